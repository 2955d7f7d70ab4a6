//! What is said of catalogue files, to the letter.

use std::path::Path;

use super::secret::Secrets;
use super::{Read, read};

const GOOD: &str = include_str!("../../../../catalog.example.toml");

fn parse(text: &str) -> Result<Read, String> {
    read(
        "c.toml",
        text,
        &Secrets { folder: Path::new("/nonexistent"), variable: &|name| (name == "OPENAI_API_KEY").then(|| "sk-1".to_owned()) },
    )
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).map(|_| ()).unwrap_err(), expected);
}

#[test]
fn the_example_file_is_right() {
    let read = parse(GOOD).unwrap();
    assert_eq!(read.warnings, Vec::<String>::new());
    assert!(!read.declared.platform_models.is_empty());
}

#[test]
fn an_unknown_field_is_told_with_its_place_and_the_nearest_name() {
    check(
        "[[platform]]\nname = \"a\"\nprovider = \"openai\"\nbase_ulr = \"https://a\"\nbase_url = \"https://a\"\n",
        "c.toml:4:1: platform \"a\": unknown field `base_ulr`: did you mean `base_url`?",
    );
    check(
        "[[policy_set]]\nname = \"s\"\n[policy_set.retry]\nmax_atempts = 2\n",
        "c.toml:4:1: policy_set \"s\": unknown field `max_atempts`: did you mean `max_attempts`?",
    );
    check("[[platfrom]]\nname = \"a\"\n", "c.toml:1:3: unknown table `platfrom`: did you mean `platform`?");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    check(
        concat!(
            "[[platform]]\nname = \"a\"\nprovider = \"opnai\"\npriority = \"first\"\nprxy = \"none\"\nbase_url = \"https://a\"\n",
            "[[model]]\nnam = \"m\"\n",
        ),
        concat!(
            "c.toml:3:12: platform \"a\": `provider`: `opnai` is not a provider: use one of openai, anthropic, gemini, volces, simulation; did you mean `openai`?\n",
            "c.toml:4:12: platform \"a\": `priority`: invalid type: string \"first\", expected u32\n",
            "c.toml:5:1: platform \"a\": unknown field `prxy`: did you mean `proxy`?\n",
            "c.toml:7:1: model: missing field `name`\n",
            "c.toml:8:1: model: unknown field `nam`: did you mean `name`?",
        ),
    );
}

#[test]
fn dangling_names_are_told_with_the_nearest() {
    check(
        concat!(
            "[[platform]]\nname = \"primary\"\nprovider = \"simulation\"\n[[model]]\nname = \"gpt-5.4\"\n",
            "[[platform_model]]\nplatform = \"primry\"\nmodel = \"gpt-5.4\"\npolicy_set = \"standard\"\n",
            "price = { input_per_million = \"1\", output_per_million = \"1\" }\n",
        ),
        concat!(
            "c.toml:7:12: platform_model \"gpt-5.4\" at \"primry\": there is no platform `primry` in this file: did you mean `primary`?\n",
            "c.toml:9:14: platform_model \"gpt-5.4\" at \"primry\": there is no policy_set `standard` in this file",
        ),
    );
}

#[test]
fn a_price_is_exact_or_refused() {
    let offer = |price: &str| {
        format!(
            "[[platform]]\nname = \"p\"\nprovider = \"simulation\"\n[[model]]\nname = \"m\"\n[[platform_model]]\nplatform = \"p\"\nmodel = \"m\"\nprice = {price}\n"
        )
    };
    check(
        &offer("{ input_per_million = 1.25, output_per_million = \"1\" }"),
        "c.toml:9:31: platform_model \"m\" at \"p\": `price.input_per_million`: invalid type: floating point `1.25`, expected a string: \
         write it in quotes, such as \"1.25\", so that it stays exact",
    );
    check(
        &offer("{ input_per_million = \"1\" }"),
        "c.toml:9:9: platform_model \"m\" at \"p\": missing field `output_per_million` in `price`",
    );
    check(
        &offer("{ }"),
        concat!(
            "c.toml:9:9: platform_model \"m\" at \"p\": `price`: it has no component: give it `input_per_million` and `output_per_million`, or ",
            "`per_image`, `per_second`, `per_minute`, `per_million_video_tokens`, `per_million_characters` or `per_request`",
        ),
    );
    let missing = offer("").replace("price = \n", "");
    assert_eq!(
        parse(&missing).unwrap().warnings,
        ["c.toml:6:1: platform_model \"m\" at \"p\": no `price`: it serves nobody until it has one"]
    );
}

#[test]
fn prices_of_media_are_read_and_refused_with_their_place() {
    let offer = |price: &str| {
        format!(
            "[[platform]]\nname = \"p\"\nprovider = \"simulation\"\n[[model]]\nname = \"m\"\n[[platform_model]]\nplatform = \"p\"\nmodel = \"m\"\nprice = {price}\n"
        )
    };
    let table =
        "{ per_image = [{ size = \"1024x1024\", quality = \"high\", price = \"0.167\" }, { price = \"0.04\" }], per_request = \"0.001\" }";
    let read = parse(&offer(table)).unwrap();
    let (_, declared) = read.declared.platform_models.first_key_value().unwrap();
    assert_eq!(
        serde_json::to_string(&declared.price).unwrap(),
        r#"{"per_request":"0.001","per_image":[{"size":"1024x1024","quality":"high","price":"0.167"},{"price":"0.04"}]}"#
    );
    for (price, expected) in [
        (
            "{ per_image = 0.04 }",
            "c.toml:9:23: platform_model \"m\" at \"p\": `price.per_image`: invalid type: floating point `0.04`, expected a list of prices or a \
             string: write it in quotes, such as \"1.25\", so that it stays exact",
        ),
        (
            "{ per_image = [{ size = \"1024x1024\", price = 0.04 }] }",
            "c.toml:9:54: platform_model \"m\" at \"p\": `price.per_image[0].price`: invalid type: floating point `0.04`, expected a string: \
             write it in quotes, such as \"1.25\", so that it stays exact",
        ),
        (
            "{ per_second = [{ resolutoin = \"720p\", price = \"0.04\" }] }",
            "c.toml:9:27: platform_model \"m\" at \"p\": unknown field `resolutoin`: did you mean `resolution`?",
        ),
        (
            "{ per_second = [{ resolution = \"721p\", price = \"0.04\" }] }",
            "c.toml:9:40: platform_model \"m\" at \"p\": `price.per_second[0].resolution`: `721p` is not a resolution: use one of 480p, 720p, \
             1080p, 4k; did you mean `720p`?",
        ),
        (
            "{ per_imag = \"0.04\", per_request = \"1\" }",
            "c.toml:9:11: platform_model \"m\" at \"p\": unknown field `per_imag`: did you mean `per_image`?",
        ),
        (
            "{ per_second = \"1\", per_million_video_tokens = \"1\" }",
            "c.toml:9:9: platform_model \"m\" at \"p\": `price`: `per_second` and `per_million_video_tokens` are prices of the same thing: keep \
             one of them",
        ),
    ] {
        check(&offer(price), expected);
    }
}

#[test]
fn secrets_and_addresses_are_checked_and_never_repeated() {
    let platform = |more: &str| format!("[[platform]]\nname = \"p\"\nprovider = \"openai\"\nbase_url = \"https://a/v1/\"\n{more}\n");
    let good = parse(&platform("credentials = [{ env = \"OPENAI_API_KEY\" }]\nproxy = \"socks5://u:hunter2@h:1080\"")).unwrap();
    assert_eq!(good.declared.platforms["p"].base_url, "https://a/v1");
    assert_eq!(good.declared.platforms["p"].credentials[0].origin, "env:OPENAI_API_KEY");
    check(
        &platform("credentials = [{ env = \"ABSENT\" }]"),
        "c.toml:5:16: platform \"p\": credential: the environment variable ABSENT is not set: set it, or take the credential out",
    );
    check(
        &platform("credentials = [{ env = \"A\", secret = \"hunter2\" }]"),
        "c.toml:5:16: platform \"p\": credential: it needs exactly one of `secret`, `env` and `file`",
    );
    check(
        &platform("proxy = \"sock5://u:hunter2@h:1080\""),
        "c.toml:5:9: platform \"p\": `proxy`: write \"none\", or a URL that begins with http://, https://, socks5:// or socks5h://: did you \
         mean `socks5`?",
    );
    check(
        &platform("").replace("https://a/v1/", "api.openai.com"),
        "c.toml:4:12: platform \"p\": `base_url`: it is not a URL: write it like \"https://api.openai.com/v1\"",
    );
}

#[test]
fn names_are_declared_once() {
    check("[[model]]\nname = \"m\"\n[[model]]\nname = \"m\"\n", "c.toml:4:8: model \"m\" is declared twice");
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let told = parse("[[model]]\nname = m\n").unwrap_err();
    assert!(told.starts_with("c.toml:2:8: "), "{told}");
}

const SIMULATED: &str = "[[platform]]\nname = \"p\"\nprovider = \"simulation\"\n[[model]]\nname = \"m\"\n[[platform_model]]\nplatform = \"p\"\nmodel = \"m\"\nprice = { input_per_million = \"1\", output_per_million = \"1\" }\n";

#[test]
fn limits_are_read_wherever_they_may_stand() {
    let text = concat!(
        "[[platform]]\nname = \"p\"\nprovider = \"openai\"\nbase_url = \"https://a\"\nlimits = { concurrent = 8, queue_timeout_ms = 0 }\n",
        "credentials = [{ env = \"OPENAI_API_KEY\", name = \"main\", weight = 2, limits = { tokens_per_day = 5, shadow = true } }]\n",
        "[[model]]\nname = \"m\"\n[[platform_model]]\nplatform = \"p\"\nmodel = \"m\"\n",
        "price = { input_per_million = \"1\", output_per_million = \"1\" }\nlimits = { requests_per_minute = 100, tokens_per_minute = 20000 }\n",
        "capabilities = [\"vision\", \"tools\", \"vision\"]\n",
        "[[group]]\nname = \"vip\"\nlimits = { requests_per_day = 7, daily_budget = \"5.00\", monthly_budget = \"100\" }\n",
    );
    let declared = parse(text).unwrap().declared;
    let json = |limits: &easyai_core::limit::LimitSet| serde_json::to_string(limits).unwrap();
    let platform = &declared.platforms["p"];
    assert_eq!(json(&platform.limits), r#"{"concurrent":8,"queue_timeout_ms":0}"#);
    let main = &platform.credentials[0];
    assert_eq!(
        (main.name.as_deref(), main.weight.get(), json(&main.limits)),
        (Some("main"), 2, r#"{"tokens_per_day":5,"shadow":true}"#.into())
    );
    let offer = declared.platform_models.values().next().unwrap();
    assert_eq!(json(&offer.limits), r#"{"requests_per_minute":100,"tokens_per_minute":20000}"#);
    assert_eq!(serde_json::to_string(&offer.capabilities).unwrap(), r#"["tools","vision"]"#);
    assert_eq!(json(&declared.groups["vip"].limits), r#"{"requests_per_day":7,"daily_budget":"5","monthly_budget":"100"}"#);
    let none = parse(SIMULATED).unwrap().declared;
    assert!(none.platforms["p"].limits.is_empty() && none.platform_models.values().all(|offer| offer.capabilities.is_none()));
}

#[test]
fn limits_that_are_misspelt_or_nothing_are_refused() {
    let group = |limits: &str| format!("[[group]]\nname = \"g\"\nlimits = {{ {limits} }}\n");
    check(
        &group("request_per_minute = 5"),
        "c.toml:3:12: group \"g\": unknown field `request_per_minute`: did you mean `requests_per_minute`?",
    );
    check(&group("concurrent = 0"), "c.toml:3:25: group \"g\": `limits.concurrent`: invalid value: integer `0`, expected a nonzero u32");
    check(
        &group("daily_budget = 5.00"),
        "c.toml:3:27: group \"g\": `limits.daily_budget`: invalid type: floating point `5.0`, expected a string: write it in quotes, such \
         as \"1.25\", so that it stays exact",
    );
    check(
        &group("daily_budget = \"-5\""),
        "c.toml:3:27: group \"g\": `limits.daily_budget`: it is below zero: write an amount such as \"5.00\"",
    );
    check(
        &group("monthly_budget = \"a lot\""),
        "c.toml:3:29: group \"g\": `limits.monthly_budget`: `a lot` is not an amount: write a decimal such as 12.50, with at most nine \
         decimals",
    );
}

#[test]
fn only_who_pays_has_a_budget() {
    let no_budget = "has no budget, only keys, accounts and groups have: take it out, or limit requests or tokens";
    check(
        &SIMULATED.replace("\n[[model]]", "\nlimits = { daily_budget = \"5\" }\n[[model]]"),
        &format!("c.toml:4:27: platform \"p\": `limits.daily_budget`: a platform {no_budget}"),
    );
    check(
        &format!("{SIMULATED}limits = {{ monthly_budget = \"5\", concurrent = 1 }}\n"),
        &format!("c.toml:10:29: platform_model \"m\" at \"p\": `limits.monthly_budget`: a platform model {no_budget}"),
    );
    check(
        &SIMULATED.replace("\n[[model]]", "\ncredentials = [{ env = \"OPENAI_API_KEY\", limits = { daily_budget = \"5\" } }]\n[[model]]"),
        &format!("c.toml:4:68: platform \"p\": credential: `limits.daily_budget`: a credential {no_budget}"),
    );
}

#[test]
fn credentials_have_names_of_their_own() {
    let platform = |credentials: &str| SIMULATED.replace("\n[[model]]", &format!("\ncredentials = [{credentials}]\n[[model]]"));
    check(
        &platform("{ secret = \"a\", name = \"x\" }, { secret = \"b\", name = \"x\" }"),
        "c.toml:4:69: platform \"p\": two credentials are named \"x\"",
    );
    check(
        &platform("{ secret = \"a\", name = \"\" }"),
        "c.toml:4:39: platform \"p\": `` is not a name for a credential: 1 to 100 characters, no control characters, no spaces at the ends",
    );
}

#[test]
fn a_model_falls_back_on_others_of_the_file() {
    let models = |fallbacks: &str| format!("[[model]]\nname = \"large\"\n[[model]]\nname = \"small\"\nfallbacks = {fallbacks}\n");
    let read = parse(&format!("{}stickiness = {{ seconds = 60 }}\nstrategy = \"least_busy\"\n", models("[\"large\"]"))).unwrap();
    let small = &read.declared.models["small"];
    assert_eq!(serde_json::to_string(&small.settings).unwrap(), r#"{"fallbacks":["large"],"stickiness":{"seconds":60}}"#);
    assert_eq!(small.strategy.as_str(), "least_busy");
    check(&models("[\"large\", \"small\"]"), "c.toml:5:23: model \"small\": `fallbacks`: a model can't fall back on itself: take it out");
    check(&models("[\"larg\"]"), "c.toml:5:14: model \"small\": `fallbacks`: there is no model `larg` in this file: did you mean `large`?");
    check(&models("[\"large\", \"large\"]"), "c.toml:5:23: model \"small\": `fallbacks`: `large` is named twice");
    check(
        &format!("{}stickiness = {{ second = 60 }}\n", models("[]")),
        "c.toml:6:16: model \"small\": unknown field `second`: did you mean `seconds`?",
    );
    let cached = |table: &str| format!("{}response_cache = {table}\n", models("[]"));
    let read = parse(&cached("{ seconds = 60, charge_percent = 10 }")).unwrap();
    let settings = serde_json::to_string(&read.declared.models["small"].settings).unwrap();
    assert_eq!(settings, r#"{"response_cache":{"seconds":60,"charge_percent":10}}"#);
    check(
        &cached("{ seconds = 60, charge_percent = 101 }"),
        "c.toml:6:51: model \"small\": `response_cache.charge_percent`: `charge_percent` is 101: write a number from 0 to 100",
    );
    check(
        &SIMULATED.replace("name = \"m\"\n", "name = \"m\"\nstrategy = \"leastbusy\"\n"),
        "c.toml:6:12: model \"m\": `strategy`: `leastbusy` is not a strategy: use one of priority, weighted, least_busy, lowest_latency, \
         lowest_cost; did you mean `least_busy`?",
    );
    check(
        &format!("{SIMULATED}capabilities = [\"tool\"]\n"),
        "c.toml:10:16: platform_model \"m\" at \"p\": `capabilities`: `tool` is not a capability: use one of tools, vision, audio, \
         json_schema; did you mean `tools`?",
    );
}

#[test]
fn policies_are_read_whole() {
    let text = concat!(
        "[[policy_set]]\nname = \"s\"\n[policy_set.retry]\nmax_attempts = 2\n[policy_set.breaker]\nfailures = 3\n",
        "[[policy_set.cooldown.rules]]\nmatch = { categories = [\"rate_limit\"] }\nscope = \"credential\"\n",
        "[[policy_set.auto_disable.rules]]\nmatch = { categories = [\"auth\"] }\nfailures = 2\n[policy_set.probe]\ntimeout_ms = 900\n",
        "[runner_policy.failover]\nmax_platforms = 3\n[[runner_policy.demotion.rules]]\nsteps = 2\n",
        "[runner_policy.availability]\nmax_out_percent = 50\n",
    );
    let declared = parse(text).unwrap().declared;
    let set = &declared.policy_sets["s"];
    assert_eq!((set.retry.max_attempts.get(), set.breaker.as_ref().unwrap().failures.get()), (2, 3));
    assert_eq!((set.cooldown.rules.len(), set.auto_disable.rules.len()), (1, 1));
    assert_eq!(set.probe.as_ref().unwrap().timeout_ms.get(), 900);
    let runner = declared.runner_policy.unwrap();
    assert_eq!((runner.failover.max_platforms.get(), runner.demotion.rules.len()), (3, 1));
    assert_eq!(runner.availability.max_out_percent.unwrap().get(), 50);
}

#[test]
fn what_is_wrong_in_a_policy_is_told_with_its_place() {
    let set = |more: &str| format!("[[policy_set]]\nname = \"s\"\n{more}\n");
    check(&set("[policy_set.breaker]\nfailure = 3"), "c.toml:4:1: policy_set \"s\": unknown field `failure`: did you mean `failures`?");
    check(
        &set("[policy_set.breaker]\nfailures = 0"),
        "c.toml:4:12: policy_set \"s\": `breaker.failures`: `failures` is 0: write a number from 1 to 1000",
    );
    check(
        &set("[policy_set.breaker]\nmax_cooldown_seconds = 5"),
        "c.toml:3:1: policy_set \"s\": `breaker`: `max_cooldown_seconds` is 5: write at least `cooldown_seconds`, which is 30",
    );
    check(
        &set("[[policy_set.cooldown.rules]]\nsecond = 5"),
        "c.toml:4:1: policy_set \"s\": unknown field `second`: did you mean `seconds`?",
    );
    check(
        &set("[[policy_set.auto_disable.rules]]\nfailures = 5"),
        "c.toml:3:1: policy_set \"s\": missing field `match` in `auto_disable.rules[0]`",
    );
    check(&set("[policy_set.autodisable]"), "c.toml:3:13: policy_set \"s\": unknown field `autodisable`: did you mean `auto_disable`?");
    check(
        "[[runner_policy.demotion.rules]]\nscope = \"credential\"\n",
        "c.toml:1:1: runner_policy: `demotion.rules[0]`: `scope` is credential, which has no priority to lower: write platform or \
         platform_model",
    );
    check(
        "[runner_policy.availability]\nlast_resort = \"sleeps\"\n",
        "c.toml:2:15: runner_policy: `availability.last_resort`: `sleeps` is not a last resort: use one of serves, rests; did you mean \
         `serves`?",
    );
}
