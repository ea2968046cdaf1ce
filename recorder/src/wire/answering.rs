//! Answers that are there at once, and those that are waited for.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

use super::reply::Reply;

/// An answer, or the way to one.
#[expect(clippy::large_enum_variant, reason = "the usual answer costs no allocation")]
pub(super) enum Answering {
    /// Taken when it is given.
    Given(Option<Answered>),
    Awaited(Pin<Box<dyn Future<Output = Answered> + Send>>),
}

/// Nothing when the connection is to be closed.
pub(super) type Answered = Option<Response<Reply>>;

impl Answering {
    pub(super) fn given(answer: Response<Reply>) -> Answering {
        Answering::Given(Some(Some(answer)))
    }
}

impl Future for Answering {
    type Output = Answered;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answered> {
        match &mut *self {
            Answering::Given(answer) => Poll::Ready(answer.take().flatten()),
            Answering::Awaited(answer) => answer.as_mut().poll(cx),
        }
    }
}
