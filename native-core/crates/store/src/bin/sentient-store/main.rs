//! The stand-alone command: verifies, lists and rolls back root folders without Node.

fn main() {}
