//! The fuzz target: libFuzzer makes the inputs, the environment says which parser they are for. A finding is a panic (an
//! overflow or a value that is not written again byte for byte among them), more memory than an input of its size may take,
//! or, by libFuzzer's own clock, more time.

#![no_main]

mod memory;
mod mend;

use std::sync::OnceLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

static KIND: OnceLock<String> = OnceLock::new();

fn kind() -> &'static str {
    KIND.get_or_init(|| {
        let kind = std::env::var("SENTIENT_FUZZ_KIND").unwrap_or_default();
        let kinds = sentient_store::probe::kinds();
        assert!(kinds.contains(&kind.as_str()), "SENTIENT_FUZZ_KIND is one of {}", kinds.join(", "));
        kind
    })
}

fuzz_target!(|data: &[u8]| {
    let peak = memory::peak_of(|| drop(sentient_store::probe::shown(kind(), data)));
    let allowed = memory::allowed(kind(), data);
    assert!(peak <= allowed, "{peak} bytes of memory for an input of {}", data.len());
});

// Three of four inputs have the right checksums, so that what stands behind them is reached.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if seed % 4 != 0 {
        mend::mend(kind(), &mut data[..size]);
    }
    size
});
