//! A request as it is sent: its secrets and variables filled in.

use gate_core::Error;
use gate_request::{Draft, Parts, Ready};

use super::Flow;
use crate::settings::RequestSpec;

impl Flow<'_> {
    /// The request; the inner error says what stands in its way.
    pub(super) fn ready(&self, spec: &RequestSpec) -> Result<Result<Ready, String>, Error> {
        let parts = Parts {
            request: &spec.request,
            headers: &spec.headers,
            query: &spec.query,
            basic_auth: spec.basic_auth.as_ref(),
            form: &spec.form,
            json: spec.json.as_ref(),
            body: spec.body.as_ref(),
        };
        let draft = Draft::of(parts, &|template| self.cx.reveal(template))?;
        Ok(draft.ready(&self.service.base, &self.variables))
    }
}
