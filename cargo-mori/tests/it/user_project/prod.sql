CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    balance INTEGER NOT NULL
);
CREATE TABLE transfers (
    id INTEGER PRIMARY KEY,
    debit INTEGER NOT NULL REFERENCES accounts (id),
    credit INTEGER NOT NULL REFERENCES accounts (id),
    amount INTEGER NOT NULL
);
INSERT INTO accounts (id, owner, balance) VALUES (1, 'Ada', 500), (2, 'Grace', 300), (3, 'Edsger', 70);
INSERT INTO transfers (id, debit, credit, amount) VALUES (10, 1, 2, 25);
