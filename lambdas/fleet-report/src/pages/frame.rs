//! What is around every page: a document of its own, or a widget of a dashboard with what can be clicked in it.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use crate::widget::Widget;

const STYLE: &str = include_str!("style.css");

/// Narrower widgets leave columns out.
const NARROW: u32 = 700;

/// Where a page is shown.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The widget that shows it; none: a browser.
    pub(crate) widget: Option<Widget>,
    /// The function to ask for other pages.
    pub(crate) function_arn: String,
}

/// Where a widget shows what was asked for by a click.
#[derive(Clone, Copy, Debug)]
pub(super) enum Display {
    /// In a window over the dashboard.
    Popup,
    /// In place of what is there.
    Widget,
}

impl Frame {
    /// The page as it is answered.
    pub(super) fn page(&self, title: &str, content: &Markup) -> String {
        let Some(widget) = &self.widget else { return document(title, content) };
        let theme = if widget.is_dark { "dark" } else { "light" };
        let width = if widget.width < NARROW { " narrow" } else { "" };
        let page = html! {
            // CloudWatch's own styles are for its samples.
            div class={ "cwdb-no-default-styles report " (theme) (width) } {
                style { (PreEscaped(STYLE)) }
                (content)
            }
        };
        page.into_string()
    }

    /// Something that asks the function for another page when it is clicked. In a browser, where nobody can be asked, it is only
    /// its text.
    pub(super) fn link(&self, text: &str, display: Display, payload: &Value) -> Markup {
        match self.widget {
            Some(_) => html! { a class="link" { (text) } (self.action(display, payload)) },
            None => html! { (text) },
        }
    }

    /// The same as a button; nothing in a browser.
    pub(super) fn button(&self, text: &str, display: Display, payload: &Value) -> Markup {
        html! {
            @if self.widget.is_some() {
                a class="btn button" { (text) }
                (self.action(display, payload))
            }
        }
    }

    fn action(&self, display: Display, payload: &Value) -> Markup {
        let display = match display {
            Display::Popup => "popup",
            Display::Widget => "widget",
        };
        html! {
            cwdb-action action="call" display=(display) endpoint=(self.function_arn) { (payload) }
        }
    }
}

fn document(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body class="report alone" { main { (content) } }
        }
    };
    page.into_string()
}
