//! S3 as the edge serves it: its operations, and what it does for browsers. Not here: the meaning of either.

use std::sync::Arc;

use edge::{Headers, Mount, Preflight, Site, Turn, Visit, Web};
use s3::S3;
use wire::{BoxFuture, ServiceError};

/// S3's mount.
pub(crate) fn mount(s3: S3) -> Mount {
    let web = Arc::new(Browsers(s3.clone()));
    let mount = Mount::new(&api::s3::SERVICE, move |operation, call, request| {
        let s3 = s3.clone();
        Box::pin(async move { api::s3::dispatch(&s3, operation, call, request).await })
    });
    mount.with_web(web)
}

struct Browsers(S3);

impl Web for Browsers {
    fn preflight(&self, asked: Preflight) -> BoxFuture<'_, Result<Headers, ServiceError>> {
        let Preflight { bucket, is_object, origin, method, headers } = asked;
        Box::pin(self.0.preflight(s3::Preflight { bucket, is_object, origin, method, headers }))
    }

    fn cross_origin<'a>(
        &'a self,
        bucket: &'a str,
        origin: &'a str,
        method: &'a str,
    ) -> BoxFuture<'a, Result<Headers, ServiceError>> {
        Box::pin(self.0.cross_origin(bucket, origin, method))
    }

    fn site<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<Box<dyn Site>, ServiceError>> {
        Box::pin(async move { Ok(Box::new(Pages(self.0.site(bucket).await?)) as Box<dyn Site>) })
    }
}

struct Pages(s3::Site);

impl Site for Pages {
    fn first(&self, visit: Visit<'_>) -> Turn {
        turn(self.0.first(of_s3(visit)))
    }

    fn folder_page(&self, key: &str) -> Option<String> {
        self.0.folder_page(key)
    }

    fn missing(&self, visit: Visit<'_>, status: u16) -> Turn {
        turn(self.0.missing(of_s3(visit), status))
    }
}

fn of_s3(visit: Visit<'_>) -> s3::Visit<'_> {
    let Visit { protocol, host, key, query } = visit;
    s3::Visit { protocol, host, key, query }
}

fn turn(turn: s3::Turn) -> Turn {
    match turn {
        s3::Turn::Move { status, location } => Turn::Move { status, location },
        s3::Turn::Look(key) => Turn::Look(key),
        s3::Turn::Nothing => Turn::Nothing,
    }
}
