//! The worlds in which an exercise's answer is judged.

use std::borrow::Cow;

use super::{Check, Code, Exercise, Meanwhile, Span};

/// A `[[world]]`: a situation of its own, on a server of its own.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Lower case letters, digits and `-`; unique in the exercise.
    pub name: String,
    /// The span of the name.
    pub span: Span,
    /// The exercise's settings, with the world's own laid over them.
    pub settings: Vec<(String, String)>,
    /// The exercise's setup, and then the world's own.
    pub setup: Vec<Code>,
}

impl World {
    /// Adds what holds in all worlds to what was written for this one.
    fn complete(&mut self, settings: &[(String, String)], setup: &[Code]) {
        let is_own = |name: &str| self.settings.iter().any(|(own, _)| own == name);
        let mut all: Vec<_> = settings.iter().filter(|(name, _)| !is_own(name)).cloned().collect();
        all.append(&mut self.settings);
        self.settings = all;
        self.setup.splice(..0, setup.iter().cloned());
    }
}

impl Exercise {
    /// Completes the worlds. Whatever needs only one server takes the settings and the setup of
    /// the first one.
    pub(super) fn complete_worlds(&mut self) {
        for world in &mut self.worlds {
            world.complete(&self.settings, &self.setup);
        }
        if let Some(first) = self.worlds.first() {
            self.settings.clone_from(&first.settings);
            self.setup.clone_from(&first.setup);
        }
    }

    /// The exercise in each of its worlds; itself if it has none.
    pub fn in_each_world(&self) -> Vec<Cow<'_, Self>> {
        if self.worlds.is_empty() {
            return vec![Cow::Borrowed(self)];
        }
        self.worlds.iter().map(|world| Cow::Owned(self.in_world(world))).collect()
    }

    fn in_world(&self, world: &World) -> Self {
        let mut checks = self.checks.clone();
        checks.retain(|check| check.is_asked_in(&world.name));
        Self {
            world: Some(world.name.clone()),
            worlds: Vec::new(),
            settings: world.settings.clone(),
            setup: world.setup.clone(),
            checks,
            ..self.clone()
        }
    }

    /// Whether it happens in the world of this attempt.
    pub fn includes(&self, meanwhile: &Meanwhile) -> bool {
        meanwhile.world.is_none() || meanwhile.world.as_ref() == self.here()
    }

    /// Whether the check is asked in the world of this attempt.
    pub fn asks(&self, check: &Check) -> bool {
        self.here().is_none_or(|world| check.is_asked_in(world))
    }

    /// The world of this attempt. Work by hand takes place in the first one.
    fn here(&self) -> Option<&String> {
        self.world.as_ref().or_else(|| Some(&self.worlds.first()?.name))
    }
}

impl Check {
    pub fn is_asked_in(&self, world: &str) -> bool {
        self.world.as_ref().is_none_or(|only| only == world)
    }
}
