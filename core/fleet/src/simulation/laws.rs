//! The laws: nobody is asked while it cools down, every cool-down ends, load goes by weight, sessions stay, and a
//! request fails only where no account could have served it.

use std::collections::HashMap;

use super::world::{Arrival, Does, Report, Script, World};

fn steady(latency_ms: u64) -> Script {
    Script { latency_ms, stretches: Vec::new() }
}

/// Arrivals every so many milliseconds, without sessions.
fn every(ms: u64, until_ms: u64) -> Vec<(u64, Option<String>)> {
    (0..until_ms / ms).map(|number| (number * ms, None)).collect()
}

fn counts(report: &Report, accounts: usize) -> Vec<usize> {
    (0..accounts).map(|account| report.seen.iter().filter(|seen| seen.account == account).count()).collect()
}

#[test]
fn load_goes_by_weight_and_nobody_starves() {
    for kind in ["least-loaded", "weighted"] {
        let more = format!("scheduler.kind = \"{kind}\"");
        let accounts =
            vec![("weight = 1", steady(500)), ("weight = 2", steady(500)), ("weight = 5", steady(500))];
        let world = World::new(&more, accounts);
        let report = world.run(&every(1, 8_000));
        assert_eq!(report.served, 8_000);
        for (count, wanted) in counts(&report, 3).into_iter().zip([1_000_usize, 2_000, 5_000]) {
            assert!(count.abs_diff(wanted) * 20 <= wanted, "{kind}: {count} for {wanted}");
        }
    }
}

#[test]
fn a_burst_of_identical_requests_spreads_over_all() {
    for kind in ["least-loaded", "weighted", "round-robin"] {
        let more = format!("scheduler.kind = \"{kind}\"");
        let world = World::new(&more, (0..10).map(|_| ("", steady(1_000))).collect());
        let report = world.run(&vec![(0, None); 1_000]);
        assert_eq!(counts(&report, 10), [100; 10], "{kind}");
        assert_eq!(report.in_flight_max, [100; 10], "{kind}");
    }
}

#[test]
fn a_limited_account_is_not_asked_before_the_time_that_it_named_and_is_asked_after_it() {
    let limited = Script { latency_ms: 100, stretches: vec![(10, 40, Does::Limits), (60, 70, Does::Limits)] };
    let world = World::new("", vec![("", limited.clone()), ("", steady(100)), ("", steady(100))]);
    let report = world.run(&every(10, 100_000));
    assert_eq!((report.served, report.failed_ms.len()), (10_000, 0), "the client sees nothing of it");
    let refused: Vec<u64> =
        report.seen.iter().filter(|seen| seen.refused).map(|seen| seen.at_ms / 1000).collect();
    assert!(refused.len() <= 4 && refused.iter().all(|at| matches!(at, 10 | 60)), "{refused:?}");
    let again = report.seen.iter().find(|seen| seen.account == 0 && seen.at_ms >= 40_000).unwrap();
    assert!(again.at_ms < 40_100, "its share comes back at once: {}", again.at_ms);
}

#[test]
fn a_failing_account_is_probed_by_one_request_at_a_time_and_comes_back() {
    let failing = Script { latency_ms: 100, stretches: vec![(10, 100, Does::Fails)] };
    let world = World::new("", vec![("", failing), ("", steady(100))]);
    let report = world.run(&every(5, 300_000));
    assert_eq!((report.served, report.failed_ms.len()), (60_000, 0));
    let refused = report.seen.iter().filter(|seen| seen.refused).count();
    // Three in a row, perhaps some that were on their way, then one probe after 10, 20, 40 and 80 s.
    assert!((4..12).contains(&refused), "{refused}");
    let last = report.seen.iter().filter(|seen| seen.account == 0 && seen.at_ms > 250_000).count();
    assert!(last > 3_000, "it has its half of the load again: {last}");
}

#[test]
fn every_state_ends_by_itself() {
    for does in [Does::Limits, Does::Unauthorized, Does::Fails, Does::Overloaded] {
        let down = Script { latency_ms: 50, stretches: vec![(0, 5, does)] };
        let world = World::new("", vec![("", down)]);
        let report = world.run(&every(100, 4_000_000));
        let first = report.seen.iter().find(|seen| !seen.refused).map(|seen| seen.at_ms);
        assert!(first.is_some_and(|at| at < 1_900_000), "{does:?}: {first:?}");
        let account = &world.roster.accounts[0];
        assert!(account.health.noted(world.time(4_000_000)).is_none(), "{does:?}");
        assert_eq!(account.state.in_flight(), 0);
    }
}

/// What ends one state begins another, of a wider scope or a narrower one, as outages end in limits and overloads.
#[test]
fn whatever_follows_whatever_an_account_comes_back() {
    let all = [Does::Limits, Does::Unauthorized, Does::Fails, Does::Overloaded];
    for first in all {
        for second in all {
            for third in all {
                let stretches = vec![(0, 20, first), (20, 700, second), (700, 900, third)];
                let world = World::new("", vec![("", Script { latency_ms: 50, stretches })]);
                let report = world.run(&every(200, 4_000_000));
                let served = report.seen.iter().rev().find(|seen| !seen.refused);
                let what = format!("{first:?} {second:?} {third:?}");
                assert!(served.is_some_and(|seen| seen.at_ms > 3_999_000), "{what}: {served:?}");
                assert!(world.roster.accounts[0].health.noted(world.time(4_000_000)).is_none(), "{what}");
            }
        }
    }
}

#[test]
fn sessions_stay_and_move_only_when_their_account_is_lost() {
    let limited = Script { latency_ms: 20, stretches: vec![(50, 60, Does::Limits)] };
    let accounts = vec![("", limited), ("", steady(20)), ("", steady(20)), ("", steady(20))];
    let world = World::new("", accounts);
    let arrivals: Vec<_> =
        (0..100_000_u64).map(|number| (number, Some(format!("s{}", number % 97)))).collect();
    let report = world.run(&arrivals);
    assert_eq!(report.served, 100_000);
    let mut homes: HashMap<String, Vec<usize>> = HashMap::new();
    for seen in report.seen.iter().filter(|seen| !seen.refused) {
        let homes = homes.entry(seen.session.clone().unwrap()).or_default();
        if homes.last() != Some(&seen.account) {
            homes.push(seen.account);
        }
    }
    for (session, homes) in &homes {
        let moved = homes.first() == Some(&0);
        assert_eq!(homes.len(), 1 + usize::from(moved), "{session}: {homes:?}");
    }
}

#[test]
fn a_full_account_is_passed_over_without_moving_its_sessions() {
    let world = World::new("", vec![("concurrency = 1", steady(100)), ("", steady(100))]);
    let one = || Some("s".to_owned());
    let other = || Some("t".to_owned());
    // Both accounts get a session; then the first one's session sends three at once, then one again.
    let report = world.run(&[
        (0, one()),
        (1, other()),
        (1_000, one()),
        (1_001, one()),
        (1_002, one()),
        (2_000, one()),
        (3_000, one()),
    ]);
    let accounts: Vec<usize> = report.seen.iter().map(|seen| seen.account).collect();
    assert_eq!(accounts, [0, 1, 0, 1, 1, 0, 0]);
    assert_eq!(report.in_flight_max[0], 1, "never more at once than it may");
}

#[test]
fn a_request_fails_only_where_no_account_could_have_served_it() {
    // Outages that overlap here and there, all of them down for two stretches.
    let scripts: Vec<(&str, Script)> = (0..5_u64)
        .map(|number| {
            let own = (20 + 17 * number, 25 + 19 * number, Does::Limits);
            let stretches = vec![own, (200, 210, Does::Limits), (300, 310, Does::Limits)];
            ("", Script { latency_ms: 30 + number, stretches })
        })
        .collect();
    let world = World::new("scheduler.attempts = 5", scripts);
    let report = world.run(&every(3, 400_000));
    for at in &report.failed_ms {
        assert!(!world.could_serve(at - 1), "{at}");
    }
    assert_eq!(report.served + report.failed_ms.len(), every(3, 400_000).len());
    assert!(report.failed_ms.len() > 6_000, "the two stretches were felt");
}

#[test]
fn a_provider_that_is_overloaded_keeps_every_account_reachable() {
    let overloaded = |latency_ms| Script { latency_ms, stretches: vec![(10, 20, Does::Overloaded)] };
    let world = World::new("", vec![("", overloaded(200)), ("", overloaded(200)), ("", overloaded(200))]);
    let report = world.run(&every(20, 60_000));
    let after = report.failed_ms.iter().filter(|at| **at > 31_000).count();
    assert_eq!(after, 0, "it is over soon after the overload is");
    let asked = report.seen.iter().filter(|seen| seen.refused).count();
    assert!(asked < 40, "few requests add to the overload: {asked}");
}

#[test]
fn every_pool_of_a_route_has_its_turn_and_no_account_has_two() {
    let down = || Script { latency_ms: 20, stretches: vec![(0, 1_000, Does::Unauthorized)] };
    let of = |pool: &'static str, script| (pool, script);
    let accounts = vec![
        of("pools = [\"one\"]", down()),
        of("pools = [\"one\"]", down()),
        of("pools = [\"one\", \"two\"]", down()),
        of("pools = [\"one\"]", down()),
        of("pools = [\"two\"]", down()),
        of("pools = [\"three\"]", steady(20)),
    ];
    let route = "routes = [{ model = \"*\", pools = [\"one\", \"two\", \"three\"] }]\nscheduler.attempts = 2";
    let world = World::new(route, accounts);
    let report = world.run(&[(0, None)]);
    let asked: Vec<usize> = report.seen.iter().map(|seen| seen.account).collect();
    // Two of the first pool, the only other one of the second, and then the one that serves it.
    assert_eq!((asked, report.served), (vec![0, 1, 4, 5], 1));
}

#[test]
fn what_one_client_sends_takes_no_account_from_the_others() {
    for accounts in 1..4 {
        let world = World::new("", (0..accounts).map(|_| ("", steady(200))).collect());
        // Client 0 sends every body of its own three times, and none of them is ever served.
        let poisoned = (0..2_000_u64).map(|number| Arrival {
            at_ms: 5_000 + number * 10,
            poison: Some(number / 3),
            ..Arrival::default()
        });
        let others = (0..3_000_u64).map(|number| Arrival {
            at_ms: number * 10,
            client: 1 + usize::try_from(number % 2).unwrap(),
            ..Arrival::default()
        });
        let report = world.run_all(poisoned.chain(others).collect());
        assert_eq!(report.served, 3_000, "{accounts}: all others are served");
        assert!(report.failed.iter().all(|(client, _)| *client == 0), "{accounts}");
    }
}

#[test]
fn who_comes_late_finds_the_accounts_as_they_are_whatever_one_client_sent_before() {
    for (accounts, bodies) in [(1, 1), (1, 1_000_000), (2, 1_000_000), (3, 1_000_000)] {
        let world = World::new("", (0..accounts).map(|_| ("", steady(200))).collect());
        // Client 0 is alone for a minute and goes on; the others come by the dozen, and pause for longer than what they
        // were answered speaks for them.
        let poisoned = (0..30_000_u64).map(|number| Arrival {
            at_ms: number * 10,
            poison: Some(number % bodies),
            ..Arrival::default()
        });
        let others = [60_000_u64, 100_000, 140_000, 240_000].into_iter().flat_map(|start| {
            (0..1_000_u64).map(move |number| Arrival {
                at_ms: start + number,
                client: 1 + usize::try_from(number % 2).unwrap(),
                ..Arrival::default()
            })
        });
        let report = world.run_all(poisoned.chain(others).collect());
        assert_eq!(report.served, 4_000, "{accounts}, {bodies}: all others are served");
        assert!(report.failed.iter().all(|(client, _)| *client == 0), "{accounts}, {bodies}");
    }
}

#[test]
fn a_body_that_is_sent_again_and_again_takes_no_second_account_out() {
    let world = World::new("", (0..3).map(|_| ("", steady(200))).collect());
    let poisoned =
        (0..200_u64).map(|number| Arrival { at_ms: number * 50, poison: Some(1), ..Arrival::default() });
    let report = world.run_all(poisoned.collect());
    assert_eq!(report.failed.len(), 200);
    let out =
        |account: &std::sync::Arc<crate::account::Account>| account.health.noted(world.time(9_999)).is_some();
    assert!(!world.roster.accounts.iter().any(out), "nobody else has sent anything yet");
}

#[test]
fn a_probe_that_hangs_keeps_no_account_out_that_is_well_again() {
    let script = Script { latency_ms: 50, stretches: vec![(10, 40, Does::Fails), (40, 60, Does::Hangs)] };
    // Those that hang count as load all the while; the scheduler that looks at none has to be told by health alone.
    let world = World::new("scheduler.kind = \"round-robin\"", vec![("", script), ("", steady(50))]);
    let report = world.run(&every(100, 200_000));
    let hung = report.seen.iter().filter(|seen| seen.account == 0 && (40_000..60_000).contains(&seen.at_ms));
    // One when its wait is over, then after 3, 6 and 12 s.
    assert!(hung.count() <= 4, "few are sent into what hangs");
    let back = report.seen.iter().find(|seen| seen.account == 0 && seen.at_ms >= 60_000).unwrap();
    assert!(back.at_ms < 85_000, "{back:?}");
    let share = report.seen.iter().filter(|seen| seen.account == 0 && seen.at_ms >= 100_000).count();
    assert!(share > 300, "it has its share of the load again: {share}");
}

#[test]
fn an_account_that_no_other_can_stand_in_for_is_back_a_second_after_its_upstream() {
    let failing = Script { latency_ms: 50, stretches: vec![(10, 11, Does::Fails)] };
    let world = World::new("", vec![("", failing)]);
    let report = world.run(&every(10, 30_000));
    let last = report.failed_ms.iter().max().copied().unwrap_or_default();
    assert!((10_000..12_100).contains(&last), "{last}");
}

#[test]
fn who_waits_as_long_as_was_told_is_served_then_and_who_comes_sooner_is_not() {
    let until = |ends| ("", Script { latency_ms: 50, stretches: vec![(0, ends, Does::Limits)] });
    let world = World::new("", vec![until(40), until(20), until(60)]);
    let arrivals = [0, 1_000, 19_000, 20_000].map(|at| (at, None));
    let report = world.run(&arrivals);
    let waits: Vec<_> = report.failed.iter().map(|(_, wait)| wait.map(|wait| wait.as_millis())).collect();
    // The first one was told by all three, and still waits for the first that is back.
    assert_eq!(waits, [Some(19_997), Some(19_000), Some(1_000)]);
    assert_eq!((report.served, report.seen.len()), (1, 4));
}
