//! What a custom widget of a CloudWatch dashboard brings along.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A widget that asks for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widget {
    /// True where the dashboard is dark.
    pub(crate) is_dark: bool,
    /// Its width in pixels.
    pub(crate) width: u32,
}

/// A widget's context that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("invalid request: widgetContext.{0}")]
pub struct InvalidWidget(#[from] serde_path_to_error::Error<serde_json::Error>);

/// CloudWatch sends much more.
#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    theme: String,
    width: Option<f64>,
    #[serde(default)]
    forms: Forms,
}

#[derive(Default, Deserialize)]
struct Forms {
    #[serde(default)]
    all: Map<String, Value>,
}

/// Where a dashboard does not say how wide a widget is.
const USUAL_WIDTH: f64 = 600.0;

impl Widget {
    /// Takes a widget's context out of a payload. What was entered into the widget's form replaces the fields of the same name,
    /// and what was left empty takes them away.
    ///
    /// # Errors
    /// Says what cannot be read.
    pub(crate) fn take(fields: &mut Map<String, Value>) -> Result<Option<Self>, InvalidWidget> {
        let Some(context) = fields.remove("widgetContext") else { return Ok(None) };
        let Context { theme, width, forms } = serde_path_to_error::deserialize(context)?;
        for (name, entered) in forms.all {
            match entered.as_str() {
                Some("") => fields.remove(&name),
                _ => fields.insert(name, entered),
            };
        }
        let width = width.filter(|width| width.is_finite() && *width > 0.0).unwrap_or(USUAL_WIDTH);
        Ok(Some(Self { is_dark: theme == "dark", width: width as u32 }))
    }
}

/// What a dashboard shows beside the widget's settings, in Markdown.
pub(crate) const DESCRIPTION: &str = include_str!("description.md");
