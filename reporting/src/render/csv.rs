//! `measures.csv`: one line per measure, quoted as RFC 4180 says.

use crate::report::measure::{Measure, Measures, Scope, Value};

const HEAD: &str =
    "id,scope,window,source,value,unit,n,numerator,denominator,interval_low,interval_high,definition,filter,reason";

pub(super) fn table(measures: &Measures) -> String {
    let mut text = format!("{HEAD}\r\n");
    for measure in measures {
        let fields = fields(measure).map(|field| quoted(&field));
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

fn fields(measure: &Measure) -> [String; 14] {
    let whole = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let [low, high] = measure.interval.unwrap_or([None, None]);
    let end = |end: Option<f64>| end.map(|end| end.to_string()).unwrap_or_default();
    [
        measure.id.clone(),
        scope(&measure.scope),
        measure.window.clone(),
        measure.source.clone(),
        value(&measure.value),
        measure.unit.clone(),
        measure.n.to_string(),
        whole(measure.numerator),
        whole(measure.denominator),
        end(low),
        end(high),
        measure.definition.clone(),
        measure.filter.clone().unwrap_or_default(),
        measure.reason.clone().unwrap_or_default(),
    ]
}

fn scope(scope: &Scope) -> String {
    let parts: Vec<String> = scope.parts().map(|(name, part)| format!("{name}={part}")).collect();
    parts.join(";")
}

fn value(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Exact(decimal, digits) => decimal.fixed(*digits),
        Value::None => String::new(),
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"hello\""), "\"say \"\"hello\"\"\"");
    }
}
