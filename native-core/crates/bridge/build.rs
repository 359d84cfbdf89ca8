//! Lets the add-on find Node's symbols when it is loaded.

fn main() {
    napi_build::setup();
}
