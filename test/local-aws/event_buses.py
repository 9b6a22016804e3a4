"""Event buses of several accounts and regions, as EventBridge has them.

MiniStack drops an event that a rule sends to a bus of another account or region, takes no events of AWS's own sources from
anybody, puts a time of its own on all of them, and has no policies of buses in its CloudFormation.
"""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core.arn import Arn
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region, json_response, request_scope
from ministack.services.eventbridge import (
    _archive_event,
    _coerce_timestamp,
    _dispatch_event,
    _ensure_default_bus,
    _event_bus_name_from_ref,
    _event_bus_policies,
    _event_buses,
    _put_permission,
    _remove_permission,
    _rule_key,
)

logger = logging.getLogger("event_buses")

# When the event happened that is being put, where its entry says so.
entry_time: ContextVar[float | None] = ContextVar("entry_time", default=None)


def conditions(body: bytes) -> dict[str, Any]:
    """The condition keys of a request that puts events. AWS looks at each entry; here one key stands for all that agree."""
    entries = json.loads(body).get("Entries", [])
    said = {
        "events:source": {entry.get("Source", "") for entry in entries},
        "events:detail-type": {entry.get("DetailType", "") for entry in entries},
    }
    return {key: values.pop() for key, values in said.items() if len(values) == 1}


def dispatch_to_bus(
    target: Arn, event: dict[str, Any], rule: dict[str, Any], path: set[str], detail: str | None = None
) -> None:
    """Puts an event on the bus that is a rule's target, wherever that is, with the account, region and time it has.

    What has come from another bus goes to no third one.
    """
    bus = target.resource.removeprefix("event-bus/")
    sender = get_account_id()
    sent = {**event, "EventBusName": bus, "_DispatchPath": [_rule_key(rule["Name"], rule.get("EventBusName", "default"))]}
    if detail is not None:
        sent["Detail"] = detail
    with request_scope(target.account_id, target.region):
        _ensure_default_bus()
        if path:
            logger.warning("not delivered to %s: the event has come from another bus", target)
        elif bus not in _event_buses:
            logger.warning("not delivered to %s: there is no such bus", target)
        elif sender != target.account_id and not takes_from(sender, bus, target):
            logger.warning("not delivered to %s: its policy does not let account %s", target, sender)
        else:
            _dispatch_event(sent)
            _archive_event({name: value for name, value in sent.items() if name != "_DispatchPath"})


def takes_from(account: str, bus: str, arn: Arn) -> bool:
    """Whether the policy of a bus lets another account put events on it."""
    context = EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root",
        principal_type="Root",
        principal_account=account,
        action="events:PutEvents",
        resource_arn=str(arn),
        region=get_region(),
    )
    return evaluate_resource_policy(_event_bus_policies.get(bus), context).decision == "Allow"


def taking_events_of_aws(put_events: Callable[..., tuple]) -> Callable[..., tuple]:
    """Returns a `PutEvents` that takes events of `aws.*` sources too, and leaves each the time that its entry says."""

    def put(data: dict[str, Any], allow_aws_source: bool = True) -> tuple:
        entries = data.get("Entries", [])
        if len(entries) > 10 or not any("Time" in entry for entry in entries):
            return put_events(data, allow_aws_source=True)
        answers = [json.loads(put_one(entry)[2]) for entry in entries]
        failed = sum(answer["FailedEntryCount"] for answer in answers)
        results = [result for answer in answers for result in answer["Entries"]]
        return json_response({"FailedEntryCount": failed, "Entries": results})

    def put_one(entry: dict[str, Any]) -> tuple:
        before = entry_time.set(_coerce_timestamp(entry["Time"]) if "Time" in entry else None)
        try:
            return put_events({"Entries": [entry]}, allow_aws_source=True)
        finally:
            entry_time.reset(before)

    return put


def create_policy(_logical_id: str, props: dict[str, Any], _stack_name: str) -> tuple[str, dict[str, Any]]:
    """Makes the statement of an `AWS::Events::EventBusPolicy` part of its bus's policy."""
    bus, statement_id = bus_and_statement(props)
    if "Statement" in props:
        policy = _event_bus_policies.setdefault(bus, {"Version": "2012-10-17", "Statement": []})
        policy["Statement"].append({**props["Statement"], "Sid": statement_id})
    else:
        permission = {name: props[name] for name in ("Action", "Principal", "Condition") if name in props}
        _put_permission({"EventBusName": bus, "StatementId": statement_id, **permission})
    return statement_id, {}


def update_policy(
    physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    """Puts another statement in its place."""
    delete_policy(physical_id, old_props)
    return create_policy(physical_id, new_props, stack_name)


def delete_policy(_physical_id: str, props: dict[str, Any]) -> None:
    """Takes the statement out of the bus's policy."""
    bus, statement_id = bus_and_statement(props)
    _remove_permission({"EventBusName": bus, "StatementId": statement_id})


def bus_and_statement(props: dict[str, Any]) -> tuple[str, str]:
    """The names of the bus and of the statement that an `AWS::Events::EventBusPolicy` is about."""
    bus, error = _event_bus_name_from_ref(props.get("EventBusName", "default"))
    if error:
        raise ValueError(f"AWS::Events::EventBusPolicy: {error}")
    return bus, props["StatementId"]
