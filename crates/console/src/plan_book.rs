//! The plans in force: built in, then those of the configuration file, then those made at run time; the later hide the earlier.

use freehold_domain::plan::{Plan, built_in};
use freehold_domain::port::PortError;

use crate::Console;

/// Where a plan comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanSource {
    /// Comes with the program.
    BuiltIn,
    /// Stands in the configuration file.
    Configured,
    /// Was made through the management API.
    Stored,
}

impl PlanSource {
    /// The source's name in the API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Configured => "configured",
            Self::Stored => "stored",
        }
    }
}

/// All plans in force, in the order in which they came to be known.
pub(crate) struct PlanBook(Vec<(PlanSource, Plan)>);

impl PlanBook {
    pub(crate) fn new(configured: &[Plan], stored: Vec<Plan>) -> Self {
        let mut book = Self(Vec::new());
        built_in()
            .into_iter()
            .for_each(|plan| book.add(PlanSource::BuiltIn, plan));
        configured
            .iter()
            .for_each(|plan| book.add(PlanSource::Configured, plan.clone()));
        stored
            .into_iter()
            .for_each(|plan| book.add(PlanSource::Stored, plan));
        book
    }

    fn add(&mut self, source: PlanSource, plan: Plan) {
        match self.0.iter_mut().find(|(_, known)| known.name == plan.name) {
            Some(place) => *place = (source, plan),
            None => self.0.push((source, plan)),
        }
    }

    /// Every plan with its source.
    pub(crate) fn all(&self) -> &[(PlanSource, Plan)] {
        &self.0
    }

    /// The plan of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&(PlanSource, Plan)> {
        self.0.iter().find(|(_, plan)| plan.name == name)
    }

    /// The names of all plans, for messages.
    pub(crate) fn names(&self) -> String {
        self.0
            .iter()
            .map(|(_, plan)| plan.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The plans that upgrades lead to from `name`, nearest first. The configuration may lead in a circle; this ends all the same.
    pub(crate) fn ways_up(&self, name: &str) -> impl Iterator<Item = &Plan> {
        let above = |plan: &Plan| Some(&self.get(plan.upgrade_to.as_deref()?)?.1);
        let first = self.get(name).and_then(|(_, plan)| above(plan));
        std::iter::successors(first, move |plan| above(plan)).take(self.0.len())
    }

    /// The nearest plan above `name` that lets a workspace store keys of its own; else any that does.
    pub(crate) fn with_own_keys_above(&self, name: &str) -> Option<&Plan> {
        let mut all = self.0.iter().map(|(_, plan)| plan);
        self.ways_up(name)
            .find(|plan| plan.byok)
            .or_else(|| all.find(|plan| plan.byok))
    }
}

impl Console {
    /// The plans in force, read from the store.
    pub(crate) async fn plan_book(&self) -> Result<PlanBook, PortError> {
        Ok(PlanBook::new(&self.configured_plans, self.store.plans().await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, byok: bool, upgrade_to: Option<&str>) -> Plan {
        Plan {
            name: name.to_owned(),
            byok,
            upgrade_to: upgrade_to.map(str::to_owned),
            ..Plan::default()
        }
    }

    #[test]
    fn a_later_source_hides_an_earlier_one_of_the_same_name() {
        let book = PlanBook::new(
            &[plan("free", false, None), plan("own", true, None)],
            vec![plan("own", false, None)],
        );
        assert_eq!(
            book.get("free").map(|(source, plan)| (*source, plan.byok)),
            Some((PlanSource::Configured, false))
        );
        assert_eq!(
            book.get("own").map(|(source, plan)| (*source, plan.byok)),
            Some((PlanSource::Stored, false))
        );
        assert_eq!(
            book.get("pro").map(|(source, _)| *source),
            Some(PlanSource::BuiltIn)
        );
        assert_eq!(book.all().len(), built_in().len() + 1);
    }

    #[test]
    fn the_plan_that_is_offered_for_own_keys_is_the_nearest_upgrade() {
        let book = PlanBook::new(
            &[
                plan("a", false, Some("b")),
                plan("b", false, Some("c")),
                plan("c", true, None),
                plan("loop", false, Some("loop")),
            ],
            Vec::new(),
        );
        assert_eq!(
            book.with_own_keys_above("a").map(|plan| plan.name.as_str()),
            Some("c")
        );
        assert_eq!(
            book.with_own_keys_above("loop").map(|plan| plan.name.as_str()),
            Some("free")
        );
    }
}
