//! Reports in every form that the vendors give, and what is none of them.

use crate::class::Class;
use crate::decimal;
use crate::told::{DAY, Part, Told, Vendor};

use super::{File, read};

const ANTHROPIC_USAGE: &str = r#"{"data":[
    {"starting_at":"2026-11-01T00:00:00Z","ending_at":"2026-11-02T00:00:00Z","results":[
      {"uncached_input_tokens":1500,"cache_creation":{"ephemeral_1h_input_tokens":1000,"ephemeral_5m_input_tokens":500},
       "cache_read_input_tokens":200,"output_tokens":500,"server_tool_use":{"web_search_requests":10},
       "api_key_id":"apikey_1","workspace_id":null,"model":"claude-opus-4-6","service_tier":"standard",
       "context_window":"0-200k","inference_geo":"global"},
      {"uncached_input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":0,"ephemeral_5m_input_tokens":0},
       "cache_read_input_tokens":0,"output_tokens":7,"server_tool_use":{"web_search_requests":0},
       "api_key_id":"apikey_2","workspace_id":null,"model":"claude-opus-4-6","service_tier":"batch"}]},
    {"starting_at":"2026-11-02T00:00:00Z","ending_at":"2026-11-03T00:00:00Z","results":[]}],
  "has_more":false,"next_page":null}"#;

const ANTHROPIC_COST: &str = r#"[{"data":[
    {"starting_at":"2026-11-01T00:00:00Z","ending_at":"2026-11-02T00:00:00Z","results":[
      {"currency":"USD","amount":"123.78912","workspace_id":null,"description":"Claude Opus 4.6 Usage - Input Tokens",
       "cost_type":"tokens","context_window":"0-200k","model":"claude-opus-4-6","service_tier":"standard",
       "token_type":"uncached_input_tokens"},
      {"currency":"USD","amount":"0.00088","workspace_id":null,"description":"","cost_type":"tokens",
       "model":"claude-opus-4-6","token_type":"output_tokens"}]}],
  "has_more":true,"next_page":"page_2"}]"#;

const CONSOLE_USAGE: &str = "\u{feff}usage_date_utc,model_version,api_key,workspace,usage_type,context_window,\
    usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,\
    usage_input_tokens_cache_read,usage_output_tokens,web_search_count,inference_geo,speed\r\n\
    2026-11-01,claude-opus-4-6,\"Key, One\",Default,standard,\u{2264} 200k,1505,500,1000,200,507,10,global,\r\n\
    2026-11-03,claude-opus-4-6,k,Default,standard,\u{2264} 200k,1,0,0,0,1,0,global,\r\n";

const CONSOLE_COST: &str = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,\
    list_price_usd,cost_type,inference_geo,speed\n\
    2026-11-01,Claude Opus 4.6,Default,k,message,\u{2264} 200k,input_no_cache,1.24,1.24,token,global,\n\
    2026-11-01,Claude Opus 4.6,Default,k,message,\u{2264} 200k,output,0.00,0.00,token,global,\n";

const OPENAI_USAGE: &str = r#"{"object":"page","data":[
    {"object":"bucket","start_time":1793491200,"end_time":1793577600,"results":[
      {"object":"organization.usage.completions.result","input_tokens":27444,"input_cached_tokens":8448,
       "input_cache_write_tokens":100,"output_tokens":9756,"input_audio_tokens":0,"output_audio_tokens":0,
       "num_model_requests":470,"project_id":null,"model":"gpt-5.2-2026-01-01","batch":null},
      {"object":"organization.usage.embeddings.result","input_tokens":16,"num_model_requests":2,
       "model":"text-embedding-3-small"},
      {"object":"organization.usage.vector_stores.result","usage_bytes":12},
      {"object":"organization.usage.images.result","images":2,"num_model_requests":2,"model":"dall-e-3"}]}],
  "has_more":false,"next_page":null}"#;

const OPENAI_COSTS: &str = r#"{"object":"page","data":[
    {"object":"bucket","start_time":1793491200,"end_time":1793577600,"results":[
      {"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-5.2-2026-01-01, input"},
      {"object":"organization.costs.result","amount":{"value":"1.50","currency":"usd"},"line_item":"gpt-5.2-2026-01-01, output"},
      {"object":"organization.costs.result","amount":{"value":6e-05,"currency":"usd"},"line_item":"text-embedding-3-small"}]}],
  "has_more":false,"next_page":null}"#;

const DASHBOARD_USAGE: &str = "start_time,end_time,start_time_iso,end_time_iso,num_model_requests,project_id,api_key_id,model,\
    batch,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens\n\
    1793491200,1793491260,2026-11-01T00:00:00+00:00,2026-11-01T00:01:00+00:00,3.0,proj_1,key_1,gpt-5.2,,4212,1673,1280,2932\n\
    1793491200,1793491260,2026-11-01T00:00:00+00:00,2026-11-01T00:01:00+00:00,3.0,proj_1,key_2,gpt-5.2,,88,27,0,88\n\
    1793491260,1793491320,2026-11-01T00:01:00+00:00,2026-11-01T00:02:00+00:00,,,,,,,,,\n";

const DASHBOARD_COSTS: &str = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,\
    quantity_unit,line_item,project_id\n\
    1793491200,1793577600,2026-11-01T00:00:00,2026-11-02T00:00:00,0.003835980000000000000000000000,usd,1000,tokens,\
    \"gpt-5-nano, input_tokens\",proj_a\n\
    1793577600,1793664000,2026-11-02T00:00:00,2026-11-03T00:00:00,,,,,,\n";

const NOVEMBER: i64 = 1_793_491_200 / DAY;

fn told(vendor: Vendor, texts: &[&str]) -> Result<Told, String> {
    let file =
        |(number, text): (usize, &&str)| File { name: format!("file {number}"), text: (*text).to_owned() };
    let files: Vec<File> = texts.iter().enumerate().map(file).collect();
    read(vendor, &files).map_err(|error| error.to_string())
}

/// What is stated of a part on the first day, by model, and then the classes in order.
fn first_day(told: &Told, part: Part) -> Vec<(String, Vec<String>)> {
    let sheet = told.sheets.get(&part).unwrap();
    let of_day = sheet.stated.iter().filter(|((day, _), _)| *day == NOVEMBER);
    let row = |((_, model), stated): (&(i64, Option<String>), &crate::told::Stated)| {
        let values = sheet.classes.iter().map(|class| class.text(stated.values.get(*class))).collect();
        (model.clone().unwrap_or_default(), values)
    };
    of_day.map(row).collect()
}

fn row(model: &str, values: &[&str]) -> (String, Vec<String>) {
    (model.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn every_form_of_a_report_says_the_same() {
    let opus = row("claude-opus-4-6", &["1505", "200", "500", "1000", "507", "10"]);
    let told_by = |text: &str, part| first_day(&told(Vendor::Anthropic, &[text]).unwrap(), part);
    for text in [ANTHROPIC_USAGE, CONSOLE_USAGE] {
        assert_eq!(told_by(text, Part::Answers), std::slice::from_ref(&opus));
    }
    assert_eq!(told_by(ANTHROPIC_COST, Part::Costs), [row("claude-opus-4-6", &["1.2379"])]);
    assert_eq!(told_by(CONSOLE_COST, Part::Costs), [row("Claude Opus 4.6", &["1.24"])]);

    let openai = told(Vendor::OpenAi, &[OPENAI_USAGE, OPENAI_COSTS]).unwrap();
    let gpt = row("gpt-5.2-2026-01-01", &["18896", "8448", "100", "9756"]);
    assert_eq!(first_day(&openai, Part::Answers), [gpt]);
    assert_eq!(first_day(&openai, Part::Embeddings), [row("text-embedding-3-small", &["16"])]);
    let costs = [row("gpt-5.2-2026-01-01", &["1.56"]), row("text-embedding-3-small", &["0.00006"])];
    assert_eq!(first_day(&openai, Part::Costs), costs);
    assert!(openai.notes.iter().any(|note| note.contains("vector_stores")), "{:?}", openai.notes);
    assert!(openai.notes.iter().any(|note| note.contains("images")), "{:?}", openai.notes);

    let exported = told(Vendor::OpenAi, &[DASHBOARD_USAGE, DASHBOARD_COSTS]).unwrap();
    assert_eq!(first_day(&exported, Part::Answers), [row("gpt-5.2", &["3020", "1280", "1700"])]);
    assert_eq!(first_day(&exported, Part::Costs), [row("gpt-5-nano", &["0.00383598"])]);
}

#[test]
fn what_is_covered_is_what_the_pages_tell_of_and_no_more() {
    let covers = |told: &Told, part, at: i64| told.sheets.get(&part).unwrap().covers(at);
    let anthropic = told(Vendor::Anthropic, &[ANTHROPIC_USAGE]).unwrap();
    let begins = NOVEMBER * DAY;
    for (at, is) in
        [(begins - 1, false), (begins, true), (begins + 2 * DAY - 1, true), (begins + 2 * DAY, false)]
    {
        assert_eq!(covers(&anthropic, Part::Answers, at), is, "{at}");
    }
    // The Console leaves out days on which nothing was used.
    let console = told(Vendor::Anthropic, &[CONSOLE_USAGE]).unwrap();
    for (at, is) in
        [(begins - 1, false), (begins + DAY, true), (begins + 3 * DAY - 1, true), (begins + 3 * DAY, false)]
    {
        assert_eq!(covers(&console, Part::Answers, at), is, "{at}");
    }
    let minutes = told(Vendor::OpenAi, &[DASHBOARD_USAGE]).unwrap();
    assert!(covers(&minutes, Part::Answers, begins + 119) && !covers(&minutes, Part::Answers, begins + 120));
    let none =
        "start_time,end_time,start_time_iso,end_time_iso\n1793491200,1793577600,2026-11-01,2026-11-02\n";
    assert!(covers(&told(Vendor::OpenAi, &[none]).unwrap(), Part::Answers, begins));
}

#[test]
fn pages_are_one_report_and_none_is_counted_twice() {
    let second = ANTHROPIC_USAGE.replace("2026-11-02T", "2026-11-04T").replace("2026-11-01T", "2026-11-03T");
    let second =
        second.replace("2026-11-03T00:00:00Z\",\"results\":[]", "2026-11-05T00:00:00Z\",\"results\":[]");
    let list = format!("[{ANTHROPIC_USAGE},{second}]");
    for texts in [&[ANTHROPIC_USAGE, &second][..], &[&list]] {
        let both = told(Vendor::Anthropic, texts).unwrap();
        let sheet = both.sheets.get(&Part::Answers).unwrap();
        assert_eq!(sheet.covered.len(), 4);
        let output: i128 = sheet.stated.values().map(|stated| stated.values.get(Class::Output)).sum();
        assert_eq!(output, 2 * 507);
    }
    let twice = format!("[{ANTHROPIC_USAGE},{ANTHROPIC_USAGE}]");
    for texts in [&[ANTHROPIC_USAGE, ANTHROPIC_USAGE][..], &[&twice], &[ANTHROPIC_USAGE, CONSOLE_USAGE]] {
        let said = told(Vendor::Anthropic, texts).unwrap_err();
        assert!(said.contains("counted twice"), "{said}");
    }
    let more = told(Vendor::Anthropic, &[ANTHROPIC_COST]).unwrap();
    assert!(more.notes.iter().any(|note| note.contains("page=page_2")), "{:?}", more.notes);
}

#[test]
fn what_is_no_report_is_refused_with_what_was_found_and_what_is_allowed() {
    let a_week = ANTHROPIC_USAGE
        .replace("2026-11-02T00:00:00Z\",\"results\":[\n", "2026-11-08T00:00:00Z\",\"results\":[\n");
    for (vendor, text, says) in [
        (Vendor::Anthropic, "", "the file is empty"),
        (Vendor::Anthropic, "date,model\n2026-11-01,m\n", "its first line is `date,model`"),
        (Vendor::Anthropic, "<html>", "its first line is `<html>`"),
        (Vendor::Anthropic, r#"{"type":"error","error":{"message":"no"}}"#, "missing field `data`"),
        (Vendor::Anthropic, "{\"data\":[", "has not the form of a report"),
        (Vendor::Anthropic, r#"{"data":[]}"#, "tells of no time"),
        (Vendor::Anthropic, &a_week, "is not of a day of UTC"),
        (Vendor::Anthropic, OPENAI_USAGE, "a report of openai's"),
        (Vendor::OpenAi, CONSOLE_COST, "a report of anthropic's"),
        (
            Vendor::Anthropic,
            &ANTHROPIC_USAGE.replace(":507", ":-1").replace(":500,\"server", ":1.5,\"server"),
            "`1.5` is no count",
        ),
        (
            Vendor::Anthropic,
            &ANTHROPIC_USAGE.replace("output_tokens", "tokens"),
            "`output_tokens` of data[0].results[0]: it is missing",
        ),
        (Vendor::Anthropic, &ANTHROPIC_COST.replace("USD", "EUR"), "this is in EUR"),
        (
            Vendor::Anthropic,
            &CONSOLE_COST.replace("1.24", "much"),
            "`cost_usd` of line 2: `much` is no amount",
        ),
        (Vendor::OpenAi, &OPENAI_USAGE.replace(":8448", ":99999"), "more tokens were read from caches"),
        (Vendor::OpenAi, &DASHBOARD_COSTS.replace("usd", "eur"), "this is in eur"),
    ] {
        let said = told(vendor, &[text]).map(|told| format!("{:?}", told.sheets)).unwrap_err();
        assert!(said.contains(says), "{says}: {said}");
    }
    let said = told(Vendor::OpenAi, &["x"]).unwrap_err();
    assert!(said.contains("allowed are answers of /v1/organization/usage/completions"), "{said}");
    assert_eq!(told(Vendor::OpenAi, &[]).unwrap_err(), told(Vendor::OpenAi, &[]).unwrap_err());
}

#[test]
fn what_a_console_rounded_to_cents_may_be_off_by_half_a_cent_a_line() {
    let cost = told(Vendor::Anthropic, &[CONSOLE_COST]).unwrap();
    let stated = cost.sheets.get(&Part::Costs).unwrap().stated.values().next().unwrap();
    assert_eq!(decimal::plain(stated.rounding), "0.01");
}
