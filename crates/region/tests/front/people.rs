//! The door for people: who may come near it, and how often.

use serde_json::{Value, json};

use crate::client::{Answer, Key, Request};
use crate::fixture::World;

const PASSWORD: &str = "Correct-Horse-7";

/// A region with a user who has a password.
async fn world() -> World {
    let world = World::new().await;
    for form in ["Action=CreateUser&UserName=ann", "Action=CreateLoginProfile&UserName=ann&Password=Correct-Horse-7"] {
        let form = Request::form(&format!("{form}&Version=2010-05-08"));
        let answer = form.signed(&world.owner, "iam").send(world.address).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    world
}

fn request(world: &World, password: &str) -> Request {
    let body = json!({ "account": world.account.as_str(), "user": "ann", "password": password });
    Request::new("POST", "/_welkin/login", "", body.to_string()).with("content-type", "application/json")
}

fn said(answer: &Answer) -> (u16, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    (answer.status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_password_opens_and_what_it_gives_is_good_until_it_is_given_back() {
    let world = world().await;
    let answer = request(&world, PASSWORD).send(world.address).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let given: Value = serde_json::from_str(&answer.body).unwrap();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let key = Key { id: text("access_key"), secret: text("secret") };
    let identity = async || {
        let form = Request::form("Action=GetCallerIdentity&Version=2011-06-15");
        form.with("x-amz-security-token", &text("token")).signed(&key, "sts").send(world.address).await
    };
    assert_eq!(identity().await.element("Arn"), Some(text("arn").as_str()));
    let out = |token: &str| {
        let body = json!({ "access_key": key.id, "token": token }).to_string();
        Request::new("POST", "/_welkin/logout", "", body).with("content-type", "application/json")
    };
    assert_eq!(said(&out("another").send(world.address).await), (401, "wrong".to_owned()));
    assert_eq!(identity().await.status, 200);
    assert_eq!(out(&text("token")).send(world.address).await.status, 200);
    assert_eq!(identity().await.status, 403);
}

#[tokio::test]
async fn what_comes_on_the_wrong_way_is_not_looked_at() {
    let world = world().await;
    let plain = |kind: &str| {
        let body = json!({ "account": world.account.as_str(), "user": "ann", "password": PASSWORD }).to_string();
        Request::new("POST", "/_welkin/login", "", body).with("content-type", kind)
    };
    for (request, status, word) in [
        // What a page of another site could send.
        (plain("text/plain"), 415, "type"),
        (plain("application/x-www-form-urlencoded"), 415, "type"),
        // Who came to a proxy on this machine may have come over a network in clear.
        (request(&world, PASSWORD).with("x-forwarded-for", "203.0.113.9"), 403, "insecure"),
        (Request::new("GET", "/_welkin/login", "", ""), 405, "method"),
        (Request::new("POST", "/_welkin/login", "", "{").with("content-type", "application/json"), 400, "body"),
        (request(&world, &"x".repeat(9000)), 400, "body"),
    ] {
        let answer = request.send(world.address).await;
        assert_eq!(said(&answer), (status, word.to_owned()), "{}", answer.body);
        assert!(!answer.body.contains(PASSWORD));
    }
}

#[tokio::test]
async fn guesses_are_slowed_down_however_many_come_at_once() {
    let world = world().await;
    let guesses = (0..20).map(|_| {
        let (request, address) = (request(&world, "wrong"), world.address);
        tokio::spawn(async move { said(&request.send(address).await) })
    });
    let guesses: Vec<_> = guesses.collect();
    let mut looked_at = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            (401, word) if word == "wrong" => looked_at += 1,
            (429, word) => assert_eq!(word, "slow"),
            (503, word) => assert_eq!(word, "busy"),
            other => panic!("{other:?}"),
        }
    }
    assert!((1..=8).contains(&looked_at), "{looked_at} were looked at");
    // Those that were turned away as too many at once were not counted: the rest follow one by one.
    for _ in looked_at..8 {
        request(&world, "wrong").send(world.address).await;
    }
    let answer = request(&world, PASSWORD).send(world.address).await;
    assert_eq!(answer.status, 429, "right, and not looked at: {}", answer.body);
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
}
