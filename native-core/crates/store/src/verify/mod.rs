//! Verification of whole root folders.
