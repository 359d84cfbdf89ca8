//! The codecs of the on-disk format, one file a thing, strict: each value has one encoding and every other is refused.
