//! Conditions and updates of DynamoDB, evaluated on items in their JSON form.
//!
//! Conditions: `OR`, `AND`, `NOT`, parentheses, comparisons, `attribute_exists`, `attribute_not_exists`, `attribute_type`,
//! `contains` of string sets. Updates: `SET` of plain values, `REMOVE`, `ADD` to string sets and of whole numbers.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

/// Attributes by name, each as `{"S": "…"}`.
pub type Item = Map<String, Value>;

/// What the placeholders of an expression stand for.
#[derive(Clone, Copy, Debug)]
pub struct Placeholders<'r> {
    request: &'r Value,
}

impl<'r> Placeholders<'r> {
    /// Those of a request.
    #[must_use]
    pub fn of(request: &'r Value) -> Self {
        Self { request }
    }

    fn name<'n>(&self, token: &'n str) -> &'n str
    where
        'r: 'n,
    {
        self.request["ExpressionAttributeNames"][token].as_str().unwrap_or(token)
    }

    fn value(&self, token: &str) -> Result<&'r Value> {
        self.request["ExpressionAttributeValues"].get(token).with_context(|| format!("{token} stands for nothing"))
    }
}

/// Tells whether a condition holds for an item.
///
/// # Errors
/// Where the expression is outside what is understood here.
pub fn holds(condition: &str, item: &Item, placeholders: Placeholders<'_>) -> Result<bool> {
    let tokens = tokens(condition);
    let mut parser = Parser { tokens: &tokens, at: 0, item, placeholders };
    let held = parser.any()?;
    if parser.at < tokens.len() {
        bail!("`{}` is not understood in `{condition}`", tokens[parser.at]);
    }
    Ok(held)
}

/// Changes an item as an update expression says.
///
/// # Errors
/// Where the expression is outside what is understood here.
pub fn update(expression: &str, item: &mut Item, placeholders: Placeholders<'_>) -> Result<()> {
    let mut clause = "";
    let tokens = tokens(expression);
    let mut rest = tokens.as_slice();
    while let [first, tail @ ..] = rest {
        rest = match (clause, first.as_str(), tail) {
            (_, "SET" | "REMOVE" | "ADD", _) => {
                clause = first;
                tail
            }
            (_, ",", _) => tail,
            ("SET", name, [equals, value, tail @ ..]) if equals == "=" => {
                item.insert(placeholders.name(name).to_owned(), placeholders.value(value)?.clone());
                tail
            }
            ("REMOVE", name, _) => {
                item.remove(placeholders.name(name));
                tail
            }
            ("ADD", name, [value, tail @ ..]) => {
                add(item, placeholders.name(name), placeholders.value(value)?)?;
                tail
            }
            _ => bail!("`{first}` is not understood in `{expression}`"),
        };
    }
    Ok(())
}

fn add(item: &mut Item, name: &str, value: &Value) -> Result<()> {
    let number = |value: &Value| value["N"].as_str().and_then(|number| number.parse::<i64>().ok());
    if let Some(amount) = number(value) {
        let sum = item.get(name).map_or(Some(0), number).context("the attribute is no whole number")? + amount;
        item.insert(name.to_owned(), json!({"N": sum.to_string()}));
        return Ok(());
    }
    let new = value["SS"].as_array().context("ADD is understood for string sets and whole numbers only")?;
    let set = item.entry(name).or_insert_with(|| json!({"SS": []}));
    let set = set["SS"].as_array_mut().context("the attribute is no string set")?;
    for text in new {
        if !set.contains(text) {
            set.push(text.clone());
        }
    }
    set.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(())
}

fn tokens(expression: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = expression.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_alphanumeric() || "#:_-.".contains(character) {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if "<>".contains(character) && characters.peek().is_some_and(|next| "=>".contains(*next)) {
            tokens.extend(characters.next().map(|next| format!("{character}{next}")));
        } else if !character.is_whitespace() {
            tokens.push(character.to_string());
        }
    }
    tokens.extend((!word.is_empty()).then_some(word));
    tokens
}

struct Parser<'p> {
    tokens: &'p [String],
    at: usize,
    item: &'p Item,
    placeholders: Placeholders<'p>,
}

impl<'p> Parser<'p> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.peek().eq_ignore_ascii_case(wanted);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn any(&mut self) -> Result<bool> {
        let mut held = self.all()?;
        while self.take("OR") {
            held |= self.all()?;
        }
        Ok(held)
    }

    fn all(&mut self) -> Result<bool> {
        let mut held = self.one()?;
        while self.take("AND") {
            held &= self.one()?;
        }
        Ok(held)
    }

    fn one(&mut self) -> Result<bool> {
        if self.take("NOT") {
            return Ok(!self.one()?);
        }
        if self.take("(") {
            let held = self.any()?;
            return if self.take(")") { Ok(held) } else { bail!("a parenthesis is not closed") };
        }
        for (function, wanted) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.take(function) {
                let name = self.argument()?;
                return Ok(self.item.contains_key(&name) == wanted);
            }
        }
        if self.take("attribute_type") {
            let (name, kind) = self.arguments()?;
            return Ok(self.item.get(&name).is_some_and(|value| value.get(text(kind)).is_some()));
        }
        if self.take("contains") {
            let (name, wanted) = self.arguments()?;
            let set = self.item.get(&name).and_then(|value| value["SS"].as_array());
            return Ok(set.is_some_and(|set| set.iter().any(|element| element.as_str() == Some(text(wanted)))));
        }
        let left = self.operand()?;
        let operator = self.next();
        let right = self.operand()?;
        compare(left.as_ref(), &operator, right.as_ref())
    }

    fn argument(&mut self) -> Result<String> {
        if !self.take("(") {
            bail!("a function without an argument");
        }
        let token = self.next();
        let name = self.placeholders.name(&token).to_owned();
        if self.take(")") { Ok(name) } else { bail!("`{token}` is not the only argument") }
    }

    /// An attribute's name and a value.
    fn arguments(&mut self) -> Result<(String, &'p Value)> {
        let [open, name, comma, value, close] = [0; 5].map(|_| self.next());
        if (open.as_str(), comma.as_str(), close.as_str()) != ("(", ",", ")") {
            bail!("a function that takes two arguments");
        }
        Ok((self.placeholders.name(&name).to_owned(), self.placeholders.value(&value)?))
    }

    fn operand(&mut self) -> Result<Option<Value>> {
        let token = self.next();
        if token.starts_with(':') {
            return Ok(Some(self.placeholders.value(&token)?.clone()));
        }
        Ok(self.item.get(self.placeholders.name(&token)).cloned())
    }
}

/// A value's text; empty where it has none.
fn text(value: &Value) -> &str {
    value["S"].as_str().unwrap_or_default()
}

/// What is missing, or of another type, compares as false.
fn compare(left: Option<&Value>, operator: &str, right: Option<&Value>) -> Result<bool> {
    let (Some(left), Some(right)) = (left, right) else { return Ok(false) };
    let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse::<f64>().ok());
    let order = match (number(left), number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ => match (left["S"].as_str(), right["S"].as_str()) {
            (Some(left), Some(right)) => Some(left.cmp(right)),
            _ if operator == "=" => return Ok(left == right),
            _ => None,
        },
    };
    let Some(order) = order else { return Ok(false) };
    Ok(match operator {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        other => bail!("`{other}` is no comparison"),
    })
}
