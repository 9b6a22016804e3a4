"""Starts MiniStack with gaps of its CloudFormation and its IAM closed.

So the stack deploys locally exactly as it is, and its roles allow what they allow on AWS.

Written for the version that requirements.txt pins; a name that has moved fails at start.
"""

import contextvars

from dynamodb_conditions import conditions
from ministack import app
from ministack.core import iam_actions, responses
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


def deliver_to_other_buses() -> None:
    """An event for a bus of another account or region is dropped; what AWS keeps of it, it would change."""

    def dispatch(spec, event, rule, event_path, payload=None):
        # Where it comes from and when it happened stay, as in an event of the spoke's own.
        forwarded = {**event, "EventBusName": spec.resource.split("/", 1)[1]}
        if payload is not None:
            forwarded["Detail"] = payload
        source = eventbridge._rule_key(rule.get("Name"), rule.get("EventBusName", "default"))
        forwarded["_DispatchPath"] = [*event_path, source]

        def there():
            responses._request_account_id.set(spec.account_id)
            responses._request_region.set(spec.region)
            eventbridge._dispatch_event(forwarded)

        contextvars.copy_context().run(there)

    eventbridge._dispatch_to_event_bus = dispatch


def let_tests_play_ec2() -> None:
    """Only services of AWS may put events of theirs, and nobody here is EC2."""
    put_events = eventbridge._put_events
    eventbridge._put_events = lambda data, allow_aws_source=True: put_events(data, True)


def accept_bus_policies() -> None:
    """A stack with the policy of a bus fails: accept it. Who may put events on a bus, the template tests look at."""
    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
        "create": lambda logical_id, props, stack_name: (props.get("StatementId", logical_id), {}),
        "update": lambda physical_id, old_props, new_props, stack_name: (physical_id, {}),
        "delete": lambda physical_id, props: None,
    }


if __name__ == "__main__":
    deliver_to_other_buses()
    let_tests_play_ec2()
    accept_bus_policies()
    accept_metric_math()
    keep_dead_letter_queues()
    check_requests()
    serve_as_over_tls()
    tell_dynamodb_conditions()
    app.main()
