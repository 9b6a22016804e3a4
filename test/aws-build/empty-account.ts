import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';

const NO_INSTANCES = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>`;

/** What CloudTrail and DynamoDB answer to an operation. */
const answers: Partial<Record<string, unknown>> = {
  LookupEvents: { Events: [] },
  BatchGetItem: { Responses: {}, UnprocessedKeys: {} },
  GetItem: {},
  PutItem: {},
  Query: { Items: [], Count: 0, ScannedCount: 0 },
  UpdateItem: {},
};

/** EC2, CloudTrail and DynamoDB of an account that has no server, no event and no item. */
export const emptyAccount: RequestListener = (request, response) => {
  void text(request).then((body) => {
    // DynamoDB and CloudTrail name the operation in a header, EC2 in the body.
    const operation =
      String(request.headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1) ?? '';
    if (body.startsWith('Action=DescribeInstances&')) response.setHeader('content-type', 'text/xml').end(NO_INSTANCES);
    // An item that would have to be there already, or to have an attribute of a certain value.
    else if (/"ConditionExpression":"(?:#\w+ = :|[^"]*attribute_exists\()/.test(body))
      refuse('ConditionalCheckFailedException');
    else if (operation in answers) response.end(JSON.stringify(answers[operation]));
    else refuse('UnknownOperationException');
  });

  function refuse(type: string): void {
    response.writeHead(400).end(JSON.stringify({ __type: type, message: type }));
  }
};
