//! How an object's bytes become a payload, zstd where it pays, and back. Twin of `src/core/store/packing.ts`: the same
//! rule for what is worth compressing, so that packs of both are about as large.

use std::cell::RefCell;

use zstd_safe::{CCtx, CParameter, DCtx};

use crate::error::StoreError;
pub use crate::format::pack::Packing;

/// Below this compression saves less than an entry and its index line take, and still costs every reader.
const PACKED_BYTES_MIN: usize = 256;
const SAMPLE_BYTES: usize = 4096;

thread_local! {
    static COMPRESSOR: RefCell<(CCtx<'static>, Vec<u8>)> = RefCell::new((CCtx::create(), Vec::new()));
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Hands the payload to `then`; it may be `bytes` itself.
pub fn with_packed<T>(bytes: &[u8], level: i32, then: impl FnOnce(Packing, &[u8]) -> T) -> Result<T, StoreError> {
    COMPRESSOR.with(|cell| {
        let (context, buffer) = &mut *cell.borrow_mut();
        let worth = bytes.len() >= PACKED_BYTES_MIN
            && (bytes.len() <= 2 * SAMPLE_BYTES || compressed(context, buffer, &bytes[..SAMPLE_BYTES], 1)?);
        if worth && compressed(context, buffer, bytes, level)? {
            return Ok(then(Packing::Zstd, buffer));
        }
        Ok(then(Packing::Plain, bytes))
    })
}

/// Compresses into the buffer; true when that saves at least a twentieth: else reading would pay for nothing.
fn compressed(context: &mut CCtx, buffer: &mut Vec<u8>, bytes: &[u8], level: i32) -> Result<bool, StoreError> {
    buffer.clear();
    buffer.reserve(zstd_safe::compress_bound(bytes.len()));
    let failed = |code| StoreError::new("INTERNAL").found(format!("zstd: {}", zstd_safe::get_error_name(code)));
    context.set_parameter(CParameter::CompressionLevel(level)).map_err(failed)?;
    let length = context.compress2(buffer, bytes).map_err(failed)?;
    Ok(length as f64 <= bytes.len() as f64 * (1.0 - 0.05))
}

/// The object's bytes; None when the payload is no such thing. Never makes more than `object_bytes`.
pub fn unpack(packing: u8, payload: &[u8], object_bytes: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(object_bytes);
    unpack_into(packing, payload, object_bytes, &mut bytes).then_some(bytes)
}

/// The same into a buffer that is used again; false when the payload is no such thing.
pub fn unpack_into(packing: u8, payload: &[u8], object_bytes: usize, into: &mut Vec<u8>) -> bool {
    into.clear();
    if packing == Packing::Plain as u8 {
        into.extend_from_slice(payload);
        return payload.len() == object_bytes;
    }
    // One frame, and nothing behind it.
    if packing != Packing::Zstd as u8 || zstd_safe::find_frame_compressed_size(payload) != Ok(payload.len()) {
        return false;
    }
    // The buffer may be larger than asked for: a longer object shows in the length, and never passes its capacity.
    into.reserve(object_bytes);
    let length = DECOMPRESSOR.with(|cell| cell.borrow_mut().decompress(into, payload));
    length == Ok(object_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_what_shrinks_and_gives_it_back() {
        let text = b"over and over ".repeat(1000);
        let (packing, payload) =
            with_packed(&text, 3, |packing, payload| (packing, payload.to_vec())).expect("zstd works");
        assert_eq!(packing, Packing::Zstd);
        assert!(payload.len() < 200);
        assert_eq!(unpack(1, &payload, text.len()), Some(text.clone()));
        assert_eq!(unpack(1, &payload, text.len() - 1), None);
        assert_eq!(unpack(1, &payload[..payload.len() - 1], text.len()), None);
        assert_eq!(unpack(2, &payload, text.len()), None);
    }

    #[test]
    fn leaves_small_and_random_bytes_alone() {
        let mut random = vec![0; 20_000];
        blake3::Hasher::new().finalize_xof().fill(&mut random);
        for bytes in [&random[..], &[0; 255][..]] {
            assert_eq!(with_packed(bytes, 3, |packing, _| packing), Ok(Packing::Plain));
        }
    }
}
