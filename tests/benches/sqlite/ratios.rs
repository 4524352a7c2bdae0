//! The ratios of the medians that criterion has written down.

use std::path::PathBuf;

/// What is compared: group, subject, reference, and what is expected of the ratio.
const RATIOS: [(&str, &str, &str, f64); 14] = [
    ("point read", "clean", "private copy", 1.1),
    ("point read", "dirty", "private copy", 1.1),
    ("scan 10k", "clean", "private copy", 1.1),
    ("scan 10k", "dirty", "private copy", 3.0),
    ("aggregate 10k", "clean", "private copy", 1.1),
    ("aggregate 10k", "dirty", "private copy", 3.0),
    ("reset, 20 tables", "0 rows", "copy the file", 1.0),
    ("reset, 20 tables", "5 rows", "copy the file", 1.0),
    ("reset, 20 tables", "1000 rows", "copy the file", 1.0),
    ("reset, 500 tables", "0 rows", "copy the file", 1.0),
    ("reset, 500 tables", "5 rows", "copy the file", 1.0),
    ("reset, 500 tables", "1000 rows", "copy the file", 1.0),
    ("reset, 500 tables", "5 rows", "reset, 20 tables/5 rows", 1.2),
    ("reset, 500 tables", "1000 rows", "reset, 20 tables/1000 rows", 1.2),
];

/// Prints the ratios of this run; a group that was filtered out is left out.
pub fn print() {
    println!("\nratio  expected  what");
    for (group, subject, reference, expected) in RATIOS {
        let (reference_group, reference_name) = reference.split_once('/').unwrap_or((group, reference));
        if let (Some(time), Some(base)) = (median_ns(group, subject), median_ns(reference_group, reference_name)) {
            let ratio = time / base;
            println!("{ratio:5.2}  <= {expected:4.2}   {group}: {subject} / {reference}   ({:.1} us / {:.1} us)", time / 1e3, base / 1e3);
        }
    }
}

fn median_ns(group: &str, name: &str) -> Option<f64> {
    let target = PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into()));
    let path = target.join("criterion").join(group).join(name).join("new").join("estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}
