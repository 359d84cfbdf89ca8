//! The hot paths: scanning, hashing, taking in, staging.
