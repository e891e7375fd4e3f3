//! What is read on a route, checked.

use std::sync::Arc;

use super::{command, files, host};
use crate::resources::Resources;
use crate::source::{Format, Keep, Reader};

/// What is shown, and how.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) sources: Vec<Planned>,
    pub(crate) format: Format,
    /// What is kept of each file for those who come.
    pub(crate) keep: Keep,
}

/// Something that is read.
#[derive(Clone, Debug)]
pub(crate) enum Planned {
    Command(command::Plan),
    Files(files::Plan),
    Host(host::Plan),
}

/// Processes of one source at a time: the one that is read, and those before it that still end.
const PROCESSES: usize = 4;

impl Planned {
    /// Its name, where it has one in advance.
    pub(crate) const fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Command(plan) => Some(&plan.name),
            Self::Files(plan) => plan.name.as_ref(),
            Self::Host(plan) => Some(&plan.name),
        }
    }
}

impl Plan {
    /// What reads all of it.
    pub(super) fn readers(&self, path: &str, resources: &Resources) -> Vec<Arc<dyn Reader>> {
        let processes = self.sources.iter().filter(|it| !matches!(it, Planned::Files(_))).count();
        let places = resources.processes.places(path, processes * PROCESSES);
        let reader = |planned: &Planned| match planned.clone() {
            Planned::Command(plan) => {
                Arc::new(command::Reading::new(plan, places.clone())) as Arc<dyn Reader>
            }
            Planned::Files(plan) => Arc::new(files::Files::new(plan)),
            Planned::Host(plan) => Arc::new(host::Reading::new(plan, places.clone())),
        };
        self.sources.iter().map(reader).collect()
    }
}
