"""Starts MiniStack with gaps of its CloudFormation, its IAM and its EventBridge closed.

So the stack deploys locally exactly as it is, and its roles allow what they allow on AWS.

Written for the version that requirements.txt pins; a name that has moved fails at start.
"""

import event_buses
from dynamodb_conditions import conditions
from ministack import app
from ministack.core import iam_actions
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners


def accept_metric_math() -> None:
    """An alarm on a metric expression fails the deployment: keep it, but never evaluate it."""
    plain_record = provisioners._cw_metric_alarm_record

    def record(name, props):
        if not props.get("Metrics"):
            return plain_record(name, props)
        stand_in = {**props, "Metrics": None, "MetricName": "none", "Namespace": "none"}
        # Without a metric of its own, MiniStack passes it over when it evaluates alarms.
        return {**plain_record(name, stand_in), "MetricName": None, "Namespace": None, "Metrics": props["Metrics"]}

    provisioners._cw_metric_alarm_record = record


def keep_dead_letter_queues() -> None:
    """A function's dead-letter queue is forgotten, though invocations would honour it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create = handlers["create"]

    def create_with_queue(logical_id, props, stack_name):
        name, attributes = create(logical_id, props, stack_name)
        if props.get("DeadLetterConfig"):
            lambda_svc._functions[name]["config"]["DeadLetterConfig"] = props["DeadLetterConfig"]
        return name, attributes

    handlers["create"] = create_with_queue


def check_requests() -> None:
    """With AUTH=true requests are checked. A name that has moved would leave them unchecked, and tell nobody."""
    if not app.AUTH:
        raise SystemExit("MiniStack does not check who may do what: AUTH=true has no effect.")


def serve_as_over_tls() -> None:
    """Policies that insist on TLS, the CDK's bucket's first, would refuse everybody: nothing here speaks TLS."""
    pin_origin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure_transport: pin_origin(source_ip, True)


def tell_dynamodb_conditions() -> None:
    """Policies on attributes and on what is returned would be met by requests that AWS refuses, and the reverse."""
    plain_context = iam_actions.dynamodb_service_context

    def context(body):
        # MiniStack has none of a request that is no JSON object.
        plain = plain_context(body)
        return {**plain, **conditions(body)} if plain else plain

    iam_actions.dynamodb_service_context = context


def tell_event_conditions() -> None:
    """Policies on what an event says would be met by no request that puts one."""
    plain_context = iam_actions.request_tag_context

    def context(service, iam_action, body, params):
        plain = plain_context(service, iam_action, body, params)
        return {**plain, **event_buses.conditions(body)} if iam_action == "events:PutEvents" else plain

    iam_actions.request_tag_context = context


def deliver_to_other_buses() -> None:
    """An event that a rule sends to a bus of another account or region is dropped: put it there, as it was sent."""
    # Read first, for a name that has moved.
    assert callable(eventbridge._dispatch_to_event_bus)
    eventbridge._dispatch_to_event_bus = event_buses.dispatch_to_bus


def let_tests_play_ec2() -> None:
    """Nobody may put events of AWS's own sources, nor say when they happened: take both from anybody."""
    plain_now = eventbridge._now_ts

    def now() -> float:
        said = event_buses.entry_time.get()
        return plain_now() if said is None else said

    eventbridge._now_ts = now
    eventbridge._put_events = event_buses.taking_events_of_aws(eventbridge._put_events)


def keep_bus_policies() -> None:
    """A stack with the policy of an event bus fails to deploy: keep it, and let in whom it names."""
    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
        "create": event_buses.create_policy,
        "update": event_buses.update_policy,
        "delete": event_buses.delete_policy,
    }


if __name__ == "__main__":
    accept_metric_math()
    keep_dead_letter_queues()
    check_requests()
    serve_as_over_tls()
    tell_dynamodb_conditions()
    tell_event_conditions()
    deliver_to_other_buses()
    let_tests_play_ec2()
    keep_bus_policies()
    app.main()
