//! Every call to the system: one trait, so that faults can be scripted.
