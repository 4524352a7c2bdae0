//! A crash loses nothing and invents nothing: a proxy killed at random moments, and at every moment of a reset, against what its
//! clients were told. What is right is computed here, from prod and the lane's rows, by code that shares nothing with the product.

mod client;
mod commits;
mod lane;
mod resets;
