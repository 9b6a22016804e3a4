//! The pages: what they say, that nothing in them runs or is loaded, and that other people's text stays text.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use doubles::{elsewhere, home};
use serde_json::{Value, json};
use support::{ARN, asked, at, calculated, explained, id, ledger, month_of, report, reported};
use uptime::{Audit, Coverage, Scope, ServerMonth, Window};
use uptime_ledger::ports::Statuses;
use uptime_ledger::{Figures, Scopes, Trouble, TroubleKind};

const NOW: &str = "2025-10-07T00:05:00Z";

/// Names that would break out of text, of an attribute, of a style, of an action's JSON.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "'><img src=x onerror=alert(1)>",
    "</title></style><iframe src=//x>",
    "&lt;b&gt; & \u{202e}txt",
    "</cwdb-action><a href=\"javascript:alert(1)\">",
];

fn fleet() -> Value {
    json!({"report": "fleet", "month": "2025-10", "format": "html"})
}

fn in_widget(mut payload: Value, theme: &str, width: u32) -> Value {
    payload["widgetContext"] = json!({"theme": theme, "width": width, "height": 400, "dashboardName": "d", "widgetId": "w",
        "params": {}, "forms": {"all": {}}, "timeRange": {"mode": "relative", "start": 0, "end": 1}});
    payload
}

async fn page(months: &[ServerMonth], payload: Value) -> String {
    reported(&ledger(months).await, NOW, payload).await.unwrap().as_str().unwrap().to_owned()
}

/// All tags of a page, with their attributes.
fn tags(page: &str) -> Vec<&str> {
    let (before, style) = page.split_once("<style>").unwrap();
    let (_, after) = style.split_once("</style>").unwrap();
    let tags = before.split('<').skip(1).chain(after.split('<').skip(1));
    tags.map(|tag| tag.split('>').next().unwrap()).collect()
}

/// All elements of a page, by name.
fn elements(page: &str) -> Vec<&str> {
    tags(page).into_iter().map(|tag| tag.split(' ').next().unwrap()).collect()
}

#[tokio::test]
async fn other_peoples_text_stays_text() {
    let named = |(n, name): (usize, &&str)| ServerMonth {
        name: Some((*name).to_owned()),
        instance_type: Some((*name).to_owned()),
        ..month_of(n as u32 + 1, "2025-10", &[], "2025-10-07T00:00:00Z")
    };
    let months: Vec<ServerMonth> = HOSTILE.iter().enumerate().map(named).collect();
    let server = json!({"report": "server", "id": id(1), "format": "html"});
    let explain = json!({"report": "explain", "id": id(2), "month": "2025-10", "format": "html"});
    let mut searched = fleet();
    searched["name"] = json!(HOSTILE[1]);
    for payload in [fleet(), server, explain, searched] {
        for payload in [payload.clone(), in_widget(payload, "dark", 500)] {
            let page = page(&months, payload).await;
            for name in ["script", "img", "iframe", "object", "link", "use", "b"] {
                assert!(!elements(&page).contains(&name), "{name} in {page}");
            }
            for tag in tags(&page) {
                // What is not between quotation marks: the names.
                let names: String = tag.split('"').step_by(2).collect();
                let harmless = [" on", " src", " href", " style"].iter().all(|attribute| !names.contains(attribute));
                assert!(harmless && !tag.contains("http"), "{tag}");
            }
        }
    }
}

#[tokio::test]
async fn the_fleet_is_told_with_totals_and_forecast_the_worst_first() {
    let page = page(&[explained()], fleet()).await;
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
    for text in [
        "Running minutes in October 2025",
        "123456789012/eu-west-1 has never been read.",
        "at most 60 more",
        "i-00000001",
        "120.00",
        "+ up to 60.00",
        "○ stopped",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    assert!(!elements(&page).contains(&"cwdb-action"), "nobody could be asked in a browser");
}

#[tokio::test]
async fn a_scope_that_fails_is_named_before_all_numbers() {
    let table = ledger(&[explained()]).await;
    let (begun, now) = (at("2025-10-06T20:00:00Z"), at(NOW));
    let statuses = &table;
    for scope in [home(), elsewhere()] {
        statuses.begun(&scope, begun).await.unwrap();
        statuses.ended(&scope, begun, &Ok(Figures::default())).await.unwrap();
    }
    for hour in 1..=3 {
        let at = begun + chrono::TimeDelta::hours(hour);
        statuses.begun(&home(), at).await.unwrap();
        statuses.ended(&home(), at, &Ok(Figures::default())).await.unwrap();
        statuses.begun(&elsewhere(), at).await.unwrap();
        let trouble = Trouble { kind: TroubleKind::RoleMissing, message: "no such role".to_owned() };
        statuses.ended(&elsewhere(), at, &Err(trouble)).await.unwrap();
    }
    let scopes = Scopes::with(home(), [elsewhere()], "reader");
    let answer = asked(|_: &Scope| &table, scopes, now, fleet()).await.unwrap();
    let page = answer.as_str().unwrap();
    let trouble = "444455556666/us-east-1 was last read 4 h ago.</strong> RoleMissing: no such role";
    assert!(page.find(trouble).unwrap() < page.find("Minutes, proven").unwrap(), "{page}");
    assert!(page.contains("1 other scope read within the last two hours."), "{page}");
}

#[tokio::test]
async fn a_widget_gets_the_same_with_what_can_be_clicked() {
    let page = page(&[explained()], in_widget(fleet(), "dark", 500)).await;
    assert!(page.starts_with("<div class=\"cwdb-no-default-styles report dark narrow\">"), "{page}");
    let action = format!("<cwdb-action action=\"call\" display=\"popup\" endpoint=\"{ARN}\">");
    let (_, called) = page.split_once(&action).unwrap();
    let called = called.split_once("</cwdb-action>").unwrap().0.replace("&quot;", "\"");
    let called: Value = serde_json::from_str(&called).unwrap();
    assert_eq!(called, json!({"report": "server", "id": "i-00000001", "format": "html"}));
    let wide = self::page(&[explained()], in_widget(fleet(), "light", 1200)).await;
    assert!(wide.starts_with("<div class=\"cwdb-no-default-styles report light\">"), "{wide}");
}

#[tokio::test]
async fn what_is_entered_into_the_widgets_form_counts() {
    let table =
        ledger(&[explained(), ServerMonth { name: Some("web-2".into()), ..month_of(2, "2025-10", &[], NOW) }]).await;
    let mut payload = in_widget(json!({"name": "x", "state": "running"}), "light", 800);
    payload["widgetContext"]["forms"]["all"] = json!({"name": "WEB", "state": "", "sort": "name", "month": "2025-10"});
    let answer = reported(&table, NOW, payload).await.unwrap();
    let page = answer.as_str().unwrap();
    assert!(page.contains("web-2") && !page.contains("i-00000001"), "{page}");
    assert!(page.contains("“WEB” in the name"), "{page}");
    assert!(page.contains("<option value=\"name\" selected>name</option>"), "{page}");
}

#[tokio::test]
async fn a_widget_describes_itself() {
    let text = reported(&ledger(&[]).await, NOW, json!({"describe": true})).await.unwrap();
    assert!(text.as_str().unwrap().starts_with("# The fleet's month"), "{text}");
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended() {
    let months: Vec<ServerMonth> = (1..=5).map(|n| month_of(n, "2025-10", &[], NOW)).collect();
    let mut payload = in_widget(fleet(), "light", 800);
    payload["limit"] = json!(2);
    let first = page(&months, payload.clone()).await;
    assert!(first.contains("1 to 2 of 5; totals are of all.") && first.contains("Next page"), "{first}");
    payload["next"] = json!("minutes/0.00/123456789012/eu-west-1/i-00000004");
    let last = page(&months, payload).await;
    assert!(last.contains("5 to 5 of 5") && last.contains("First page") && !last.contains("Next page"), "{last}");
}

#[tokio::test]
async fn a_servers_page_draws_its_runs_and_says_who_told_each_end() {
    let page =
        page(&[explained()], json!({"report": "explain", "id": id(1), "month": "2025-10", "format": "html"})).await;
    let proven = page.matches("<rect class=\"proven\" x=").count();
    let possible = page.matches("<rect class=\"hatch\" x=\"").count();
    assert_eq!((proven, possible), (1, 1 + 1), "a run, a possible one and the legend's: {page}");
    for text in [
        "2025-10-04 10:00:20 to 2025-10-04 12:00:20: ran, 120.00 min.",
        "an unseen stop is possible",
        "CloudTrail was read whole from 2025-10-01 00:00:00 to 2025-10-07 00:00:00",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
}

#[tokio::test]
async fn every_server_of_the_showcase_has_a_page() {
    let account = calculated().await;
    let fleet = report(&account, json!({"report": "fleet"})).await.unwrap();
    for row in fleet["servers"].as_array().unwrap() {
        let payload = json!({"report": "server", "id": row["id"], "format": "html"});
        let answer = report(&account, payload).await.unwrap();
        let page = answer.as_str().unwrap();
        assert!(page.contains(row["name"].as_str().unwrap()) && page.ends_with("</html>"), "{row}");
    }
}

/// What CloudWatch says of final months stands where one looks, and in words.
#[tokio::test]
async fn a_verdict_and_what_a_month_rests_on_are_told() {
    let until = "2025-10-07T00:00:00Z";
    let known = |n, told: &[&str]| {
        let mut month = month_of(n, "2025-10", told, until);
        month.is_final = true;
        month
    };
    let run = ["2025-10-02T06:00:00Z started CloudTrail StartInstances 1", "2025-10-02T09:00:00Z stopped EC2"];
    let windows = Coverage::none().with(Window::new(at("2025-10-02T07:00:00Z"), at("2025-10-02T08:00:00Z")));
    let agreeing = ServerMonth { audit: Some(Audit::Agrees), ..known(1, &run) };
    let disputed = ServerMonth { audit: Some(Audit::Disagrees(windows)), ..known(2, &run) };
    let sampled = ServerMonth {
        coverage: Coverage::none(),
        ..known(3, &["2025-10-02T06:00:00Z sampled(until=2025-10-02T09:00:00Z) CloudWatch"])
    };
    let months = [agreeing, disputed, sampled];
    let table = page(&months, fleet()).await;
    assert!(table.contains("CloudWatch tells otherwise of 1 server."), "{table}");
    assert_eq!((table.matches("⚠ CloudWatch tells").count(), table.matches("by CloudWatch alone").count()), (1, 1));
    let answer =
        reported(&ledger(&months).await, NOW, json!({"report": "fleet", "month": "2025-10", "sort": "id"})).await;
    let answer = answer.unwrap();
    let told: Vec<_> =
        answer["servers"].as_array().unwrap().iter().map(|row| (&row["restsOn"], &row["audit"])).collect();
    let [records, samples] = [json!("records"), json!("samples")];
    let [agrees, disagrees] = [json!("agrees"), json!("disagrees")];
    assert_eq!(told, [(&records, &agrees), (&records, &disagrees), (&samples, &Value::Null)]);
    assert_eq!(answer["totals"]["disputed"], json!(1));
    for (n, html, text) in [
        (1, "tell the same", "CloudWatch's samples of the whole month tell the same."),
        (
            2,
            "from 2025-10-02 07:00 to 2025-10-02 08:00",
            "CloudWatch's samples tell otherwise from 2025-10-02 07:00:00Z to",
        ),
    ] {
        for (format, expected) in [("html", html), ("text", text)] {
            let payload = json!({"report": "explain", "id": id(n), "month": "2025-10", "format": format});
            let told = page(&months, payload).await;
            assert!(told.contains(expected), "{told}");
        }
    }
}
