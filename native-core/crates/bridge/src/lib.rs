//! The only place with Node-API. A call is a name and a request in JSON, its answer JSON and bytes: few, coarse calls,
//! each of which runs on threads of its own and can be watched and cancelled. Errors and panics cross as JSON too, with
//! the codes of `src/core/errors.ts` and of `src/core/host/error.ts`.

mod request;
mod scripted;
mod verbs;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi::{Env, Error, Status, Task};
use napi_derive::napi;
use sentient_store::error::StoreError;
use sentient_store::io::{Io, SystemIo};
use sentient_store::work::{self, WorkError};
use serde_json::{Value, json};

/// Changes whenever a call's request or answer does: a bridge of another build is not used.
const VERSION: u32 = 2;

#[napi]
pub fn version() -> u32 {
    VERSION
}

/// Watches and stops one call from outside.
#[napi]
#[derive(Default)]
pub struct Control {
    shared: Arc<work::Control>,
}

#[napi]
impl Control {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi]
    pub fn cancel(&self) {
        self.shared.cancel();
    }

    /// How much is done, in the call's own unit.
    #[napi]
    pub fn done(&self) -> f64 {
        self.shared.done() as f64
    }
}

/// What a call gives back.
#[napi(object)]
pub struct Answer {
    pub text: String,
    pub bytes: Buffer,
}

pub struct Job {
    name: String,
    request: String,
    bytes: Vec<u8>,
    control: Arc<work::Control>,
    io: Arc<dyn Io>,
}

/// An answer before it is Node's.
pub struct Outcome {
    pub text: Value,
    pub bytes: Vec<u8>,
}

impl From<Value> for Outcome {
    fn from(text: Value) -> Self {
        Outcome { text, bytes: Vec::new() }
    }
}

impl Job {
    fn run(&self) -> napi::Result<Outcome> {
        let work = || {
            let request = request::Request::parse(&self.request, &self.bytes)?;
            verbs::run(&*self.io, &self.name, &request, &self.control)
        };
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(outcome) => outcome.map_err(|error| crossing(&error)),
            Err(panic) => Err(crossing(&StoreError::new("INTERNAL").found(message_of(&*panic)).into())),
        }
    }
}

impl Task for Job {
    type Output = Outcome;
    type JsValue = Answer;

    fn compute(&mut self) -> napi::Result<Outcome> {
        self.run()
    }

    fn resolve(&mut self, _env: Env, outcome: Outcome) -> napi::Result<Answer> {
        Ok(answer(outcome))
    }
}

/// Runs beside Node; the promise is settled when it ends.
#[napi(ts_return_type = "Promise<Answer>")]
pub fn start(name: String, request: String, bytes: Buffer, control: &Control) -> AsyncTask<Job> {
    let io = Arc::new(SystemIo);
    AsyncTask::new(Job { name, request, bytes: bytes.to_vec(), control: Arc::clone(&control.shared), io })
}

/// Runs while Node waits: only for what takes no longer than one call to the system.
#[napi]
pub fn run_now(name: String, request: String, bytes: Buffer) -> napi::Result<Answer> {
    let control = Arc::new(work::Control::default());
    Job { name, request, bytes: bytes.to_vec(), control, io: Arc::new(SystemIo) }.run().map(answer)
}

fn answer(outcome: Outcome) -> Answer {
    Answer { text: outcome.text.to_string(), bytes: outcome.bytes.into() }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

/// The reason is JSON, which `src/core/native/bridge.ts` takes apart.
fn crossing(error: &WorkError) -> Error {
    let reason = match error {
        WorkError::Io(error) => json!({ "host": error.code, "call": error.call, "path": error.path }),
        WorkError::Store(error) => {
            json!({ "code": error.code, "where": error.place, "expected": error.expected, "found": error.found })
        }
        WorkError::Cancelled => json!({ "code": "CANCELLED" }),
        WorkError::Declined(reason) => json!({ "declined": reason }),
    };
    Error::new(Status::GenericFailure, reason.to_string())
}
