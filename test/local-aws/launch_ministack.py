"""Starts MiniStack with two gaps of its CloudFormation closed, so that the stack deploys locally exactly as it is.

Written for the version that requirements.txt pins; a name that has moved fails at start.
"""

from ministack.app import main
from ministack.services import lambda_svc
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


if __name__ == "__main__":
    accept_metric_math()
    keep_dead_letter_queues()
    main()
