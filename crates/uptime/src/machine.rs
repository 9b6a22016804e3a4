//! What kind of machine a server is, as far as that changes what its evidence means.

use chrono::TimeDelta;

/// The kind of machine behind an instance type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// Runs within seconds of the call, or minutes at the most.
    #[default]
    Virtual,
    /// Bare metal, and every Mac: the hardware itself boots, which takes 20 minutes and more.
    Physical,
}

impl Machine {
    /// The machine behind an instance type, such as `t3.small`, `m7i.metal-24xl` or `mac2.metal`; a virtual one where the
    /// type is not known.
    pub fn of_type(instance_type: Option<&str>) -> Self {
        match instance_type {
            Some(name) if name.contains(".metal") => Self::Physical,
            _ => Self::Virtual,
        }
    }

    /// How much later than the call a state-change `running` still tells of the same start.
    pub(crate) fn same_start(self) -> TimeDelta {
        match self {
            Self::Virtual => TimeDelta::minutes(15),
            Self::Physical => TimeDelta::minutes(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_metal_and_macs_are_told_by_their_type() {
        for name in ["i3.metal", "m7i.metal-24xl", "mac1.metal", "mac2-m2pro.metal", "c6g.metal"] {
            assert_eq!(Machine::of_type(Some(name)), Machine::Physical, "{name}");
        }
        for name in ["t3.small", "m7i.24xlarge", "u-6tb1.56xlarge"] {
            assert_eq!(Machine::of_type(Some(name)), Machine::Virtual, "{name}");
        }
        assert_eq!(Machine::of_type(None), Machine::Virtual);
    }
}
