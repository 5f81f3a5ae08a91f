//! What every handler has.

use std::sync::Arc;

use sluice_api::settings::Secret;
use sluice_control::Control;
use sluice_line::gateway::Gateway;

use crate::methods::OperatorRoutes;
use sluice_signin::sessions::Sessions;

/// One reference count, as each request takes it.
pub(crate) type App = Arc<Parts>;

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) control: Arc<Control>,
    pub(crate) admin_token: Secret,
    pub(crate) operators: OperatorRoutes,
    pub(crate) sessions: Sessions,
}
