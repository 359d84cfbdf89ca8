//! The same calls on a disk that fails on command, for tests: a script is handed over with the call, and nothing but these
//! exports takes one. Operations are counted on from where the host of the caller is, by the same rules.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi_derive::napi;
use sentient_store::io::{Fault, Scripted, ScriptedIo, SystemIo};

use crate::{Answer, Control, Job, answer};

/// What fails, and what was counted.
#[napi]
pub struct Script {
    io: Arc<ScriptedIo<SystemIo>>,
}

/// As the faults of `src/core/host/failing.ts`, with the operations that they befall.
#[napi(object)]
pub struct ScriptedFault {
    pub first: f64,
    /// Left out: for ever.
    pub last: Option<f64>,
    /// Left out: of any kind.
    pub calls: Option<Vec<String>>,
    pub kind: String,
    pub code: Option<String>,
    pub bytes: Option<u32>,
}

#[napi]
impl Script {
    /// `count`: how many operations there were before.
    #[napi(constructor)]
    pub fn new(count: f64, faults: Vec<ScriptedFault>) -> Self {
        let io = ScriptedIo::new(SystemIo);
        io.count_from(count as u64);
        io.record();
        for fault in faults {
            io.fail_when(scripted(fault));
        }
        Script { io: Arc::new(io) }
    }

    #[napi]
    pub fn count(&self) -> f64 {
        self.io.count() as f64
    }

    #[napi]
    pub fn crashed(&self) -> bool {
        self.io.crashed()
    }

    /// A call and a path each.
    #[napi]
    pub fn log(&self) -> Vec<Vec<String>> {
        let told = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        self.io.log().into_iter().map(|one| vec![one.call.to_owned(), told(&one.path)]).collect()
    }
}

fn scripted(fault: ScriptedFault) -> Scripted {
    let code = code_of(fault.code.as_deref().unwrap_or("IO"));
    let bytes = fault.bytes.map(|bytes| bytes as usize);
    Scripted {
        first: fault.first as u64,
        last: fault.last.map_or(u64::MAX, |last| last as u64),
        calls: fault.calls.unwrap_or_default(),
        fault: match fault.kind.as_str() {
            "crash" => Fault::Crash(bytes),
            "shortWrite" => Fault::ShortWrite(code, bytes.unwrap_or(0)),
            _ => Fault::Error(code),
        },
    }
}

fn code_of(code: &str) -> &'static str {
    match code {
        "NO_SPACE" => "NO_SPACE",
        "DENIED" => "DENIED",
        "READ_ONLY" => "READ_ONLY",
        "UNSUPPORTED" => "UNSUPPORTED",
        _ => "IO",
    }
}

#[napi(ts_return_type = "Promise<Answer>")]
pub fn start_scripted(
    name: String,
    request: String,
    bytes: Buffer,
    control: &Control,
    script: &Script,
) -> AsyncTask<Job> {
    let io = Arc::clone(&script.io);
    let control = Arc::clone(&control.shared);
    AsyncTask::new(Job { name, request, bytes: bytes.to_vec(), control, io })
}

#[napi]
pub fn run_now_scripted(name: String, request: String, bytes: Buffer, script: &Script) -> napi::Result<Answer> {
    let io = Arc::clone(&script.io);
    Job { name, request, bytes: bytes.to_vec(), control: Arc::default(), io }.run().map(answer)
}
