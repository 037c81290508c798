//! Claims about usage records.

use std::sync::Arc;

use freehold_domain::id::{RequestId, VirtualKeyId, WorkspaceId};
use freehold_domain::ledger::Settlement;
use freehold_domain::port::{PageRequest, RecordFilter, Store};
use freehold_domain::record::{Attribution, KeyName, Outcome, UsageRecord, VarianceCause};
use freehold_domain::tokens::{TokenUsage, UsageSource};

use super::sample::{BEGINNING, Sample, founded};

async fn appended(store: &Arc<dyn Store>, record: &UsageRecord) {
    store
        .append(Box::new(record.clone()), Settlement::None)
        .await
        .expect("append");
}

/// What was kept is what is read, with all its parts and with none that can be left out.
pub async fn a_record_reads_back_as_it_was_kept(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    for record in [sample.record(workspace), sample.bare_record(workspace)] {
        appended(&store, &record).await;
        let kept = store.record(workspace, record.request_id).await.expect("read");
        assert_eq!(kept, Some(*record));
    }
    let unknown = RequestId::from_uuid(sample.uuid());
    assert_eq!(store.record(workspace, unknown).await.expect("read"), None);
}

/// Every word of every set reads back as the same word.
pub async fn a_record_keeps_every_word_it_may_hold(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut records = Vec::new();
    for outcome in Outcome::ALL {
        records.push(UsageRecord {
            outcome,
            ..*sample.bare_record(workspace)
        });
    }
    for attribution in [Attribution::Byok, Attribution::Platform, Attribution::Cache] {
        records.push(UsageRecord {
            cost_attribution: Some(attribution),
            ..*sample.bare_record(workspace)
        });
    }
    for usage_source in [UsageSource::Provider, UsageSource::Estimated, UsageSource::None] {
        records.push(UsageRecord {
            usage_source,
            ..*sample.bare_record(workspace)
        });
    }
    for cause in [
        VarianceCause::None,
        VarianceCause::Tokenizer,
        VarianceCause::OutputLonger,
        VarianceCause::OutputShorter,
        VarianceCause::Cache,
        VarianceCause::Reasoning,
        VarianceCause::Retry,
        VarianceCause::Abort,
        VarianceCause::Price,
    ] {
        let mut record = *sample.record(workspace);
        if let Some(variance) = &mut record.variance {
            variance.cause = cause;
        }
        records.push(record);
    }
    for record in &records {
        appended(&store, record).await;
    }
    records.reverse();
    let page = store
        .records(workspace, &RecordFilter::default(), PageRequest::newest(200))
        .await
        .expect("read");
    assert_eq!(page.items, records);
}

/// What a caller or a provider sends never makes a record fail: NUL becomes U+FFFD, absurd counts become the largest.
pub async fn a_record_of_hostile_content_is_kept(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let tokens = |count| TokenUsage {
        input: count,
        output: count,
        ..TokenUsage::default()
    };
    let hostile = UsageRecord {
        model_requested: Arc::from("gpt\0-5'; DROP TABLE usage_record; --"),
        model_used: Some(Arc::from("\0")),
        provider_usage: Some(Arc::from("{\"a\":\"\0 \u{7f} \u{10ffff}\"}")),
        tags: [("workflow".into(), "\0\u{1}".to_owned())].into(),
        tokens: tokens(u64::MAX),
        latency_ms: u64::MAX,
        first_byte_ms: Some(u64::MAX),
        finish_reason: Some("st\0p".to_owned().into()),
        ..*sample.record(workspace)
    };
    appended(&store, &hostile).await;
    let kept = store.record(workspace, hostile.request_id).await.expect("read");
    let most = i64::MAX.unsigned_abs();
    let expected = UsageRecord {
        model_requested: Arc::from("gpt\u{fffd}-5'; DROP TABLE usage_record; --"),
        model_used: Some(Arc::from("\u{fffd}")),
        tokens: tokens(most),
        latency_ms: most,
        first_byte_ms: Some(most),
        finish_reason: Some("st\u{fffd}p".to_owned().into()),
        ..hostile
    };
    assert_eq!(kept, Some(expected));
}

/// The first record of a request stands.
pub async fn a_record_appended_twice_stays_as_it_was(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let first = *sample.record(workspace);
    let second = UsageRecord {
        request_id: first.request_id,
        outcome: Outcome::Failed,
        ..*sample.bare_record(workspace)
    };
    appended(&store, &first).await;
    appended(&store, &second).await;
    let page = store
        .records(workspace, &RecordFilter::default(), PageRequest::newest(9))
        .await
        .expect("read");
    assert_eq!(page.items, [first]);
}

/// A workspace reads its own records and no other's.
pub async fn a_record_is_seen_by_its_own_workspace_only(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let owner = founded(&store, &sample, "owner").await.id;
    let other = founded(&store, &sample, "other").await.id;
    let record = sample.record(owner);
    appended(&store, &record).await;
    assert_eq!(store.record(other, record.request_id).await.expect("read"), None);
    let page = store
        .records(other, &RecordFilter::default(), PageRequest::newest(9))
        .await
        .expect("read");
    assert_eq!((page.items, page.next), (vec![], None));
}

/// Records of a year lie in one list, newest first, page by page.
pub async fn records_are_listed_newest_first_page_by_page(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut expected = Vec::new();
    for month in 0..13 {
        let created_at = BEGINNING.plus_millis(month * 30 * 86_400_000);
        let birth = freehold_domain::id::uuid_v7(created_at, [9; 10]);
        let record = UsageRecord {
            request_id: RequestId::from_uuid(birth),
            created_at,
            ..*sample.record(workspace)
        };
        appended(&store, &record).await;
        expected.insert(0, record);
    }
    let mut request = PageRequest::newest(5);
    let mut listed = Vec::new();
    for size in [5, 5, 3] {
        let page = store
            .records(workspace, &RecordFilter::default(), request)
            .await
            .expect("read");
        assert_eq!(page.items.len(), size);
        listed.extend(page.items);
        request.before = page.next;
    }
    assert_eq!((listed, request.before), (expected, None));
}

/// Each part of a filter lets through what it names, and all parts must agree.
pub async fn records_are_filtered_by_every_part_of_a_filter(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let (plain, odd) = (*sample.record(workspace), odd_record(&sample, workspace));
    appended(&store, &plain).await;
    appended(&store, &odd).await;
    let of = |filter: RecordFilter| {
        let store = Arc::clone(&store);
        async move {
            let page = store
                .records(workspace, &filter, PageRequest::newest(9))
                .await
                .expect("read");
            page.items
        }
    };
    let any = RecordFilter::default;
    let only_odd = [
        RecordFilter {
            from: Some(odd.created_at),
            ..any()
        },
        RecordFilter {
            outcome: Some(Outcome::CutOff),
            ..any()
        },
        RecordFilter {
            attribution: Some(Attribution::Cache),
            ..any()
        },
        RecordFilter {
            provider: Some("together".to_owned()),
            ..any()
        },
        RecordFilter {
            model: Some("asked".to_owned()),
            ..any()
        },
        RecordFilter {
            model: Some("answered".to_owned()),
            ..any()
        },
        RecordFilter {
            provider_key: odd.provider_key.as_ref().map(|key| key.id),
            ..any()
        },
        RecordFilter {
            virtual_key: Some(odd.virtual_key.id),
            ..any()
        },
        RecordFilter {
            from: Some(odd.created_at),
            outcome: Some(Outcome::CutOff),
            model: Some("asked".to_owned()),
            ..any()
        },
    ];
    for filter in only_odd {
        assert_eq!(of(filter.clone()).await, std::slice::from_ref(&odd), "{filter:?}");
    }
    let only_plain = [
        RecordFilter {
            to: Some(odd.created_at),
            ..any()
        },
        RecordFilter {
            outcome: Some(Outcome::Ok),
            ..any()
        },
    ];
    for filter in only_plain {
        assert_eq!(
            of(filter.clone()).await,
            std::slice::from_ref(&plain),
            "{filter:?}"
        );
    }
    let none = [
        RecordFilter {
            outcome: Some(Outcome::CutOff),
            provider: Some("openai".to_owned()),
            ..any()
        },
        RecordFilter {
            virtual_key: Some(VirtualKeyId::from_uuid(sample.uuid())),
            ..any()
        },
        RecordFilter {
            model: Some("ASKED".to_owned()),
            ..any()
        },
    ];
    for filter in none {
        assert_eq!(of(filter.clone()).await, [], "{filter:?}");
    }
}

fn odd_record(sample: &Sample, workspace: WorkspaceId) -> UsageRecord {
    let record = *sample.record(workspace);
    UsageRecord {
        outcome: Outcome::CutOff,
        cost_attribution: Some(Attribution::Cache),
        provider: Some(Arc::from("together")),
        model_requested: Arc::from("asked"),
        model_used: Some(Arc::from("answered")),
        provider_key: record.provider_key.map(|key| KeyName { label: None, ..key }),
        ..record
    }
}

/// A filtered list is paged like any other: no page is short before the end.
pub async fn a_filtered_list_has_full_pages(store: Arc<dyn Store>) {
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut expected = Vec::new();
    for number in 0..20 {
        let mut record = *sample.bare_record(workspace);
        if number % 3 == 0 {
            record.outcome = Outcome::Failed;
            expected.insert(0, record.request_id);
        }
        appended(&store, &record).await;
    }
    let filter = RecordFilter {
        outcome: Some(Outcome::Failed),
        ..RecordFilter::default()
    };
    let mut request = PageRequest::newest(4);
    let mut listed = Vec::new();
    for size in [4, 3] {
        let page = store.records(workspace, &filter, request).await.expect("read");
        assert_eq!(page.items.len(), size);
        listed.extend(page.items.iter().map(|record| record.request_id));
        request.before = page.next;
    }
    assert_eq!((listed, request.before), (expected, None));
}

/// Many who append at once all find their records.
pub async fn records_appended_at_once_are_all_there(store: Arc<dyn Store>) {
    const RECORDS: usize = 600;
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut appends = tokio::task::JoinSet::new();
    for _ in 0..RECORDS {
        let (store, record) = (Arc::clone(&store), sample.record(workspace));
        appends.spawn(async move {
            let request_id = record.request_id;
            store.append(record, Settlement::None).await.expect("append");
            let kept = store.record(workspace, request_id).await.expect("read");
            assert!(kept.is_some(), "an acknowledged record is not there");
        });
    }
    appends.join_all().await;
    let mut request = PageRequest::newest(200);
    let mut listed = 0;
    loop {
        let page = store
            .records(workspace, &RecordFilter::default(), request)
            .await
            .expect("read");
        listed += page.items.len();
        request.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(listed, RECORDS);
}
