// What somebody should be woken for. The queries lie in queries/, one file each, over the log lines
// that shared/telemetry.py writes and the storage account's own log.

@description('Required. Azure region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Workspace that is asked.')
param workspaceId string

@description('Required. Who is told; empty for nobody.')
param email string

var rules = [
  {
    name: 'poison-queue'
    title: 'Threadline: work in the background fails for hours'
    text: 'A queue message was tried as often as host.json allows, and was put into its poison queue. From there saves and changes are put back and tried for a week.'
    query: loadTextContent('queries/poison-queue.kql')
    window: 'PT15M'
    severity: 1
  }
  {
    name: 'subscription-renewal'
    title: 'Threadline: looking after followed mailboxes fails'
    text: 'The hourly timer failed twice within three hours, or one in five looks at a mailbox did. Subscriptions that are not renewed run out after three days or more, and followed mailboxes fall silent.'
    query: loadTextContent('queries/subscription-renewal.kql')
    window: 'PT3H'
    severity: 1
  }
  {
    name: 'mailboxes-not-followed'
    title: 'Threadline: a mailbox may not be followed'
    text: 'Somebody asked for replies or changes from a mailbox outside of the scope that Exchange gives the app; see docs/deploying.md.'
    query: loadTextContent('queries/mailboxes-not-followed.kql')
    window: 'PT3H'
    severity: 3
  }
  {
    name: 'changes-lost'
    title: 'Threadline: a change was given up'
    text: 'A reply, draft or changed meeting could not be looked at for a week, and its record may be wrong.'
    query: loadTextContent('queries/changes-lost.kql')
    window: 'PT15M'
    severity: 1
  }
  {
    name: 'changes-refused'
    title: 'Threadline: what is followed is refused'
    text: 'The CRM or the policy refused a reply or a changed meeting for good, for example because its owner lost the licence or a right.'
    query: loadTextContent('queries/changes-refused.kql')
    window: 'PT3H'
    severity: 3
  }
  {
    name: 'webhook'
    title: 'Threadline: Graph is answered slowly or not at all'
    text: 'One in twenty notifications of the last half hour took longer than three seconds, or one in ten failed. Graph drops notifications for whoever is slow; they are found by the next hourly look.'
    query: loadTextContent('queries/webhook.kql')
    window: 'PT30M'
    severity: 2
  }
  {
    name: 'deferred-saves'
    title: 'Threadline: saves that were put off fail'
    text: 'Saves were accepted for later and ended without a record. Their receipts say so to whoever asked; the log line deferred_save_failed has the code.'
    query: loadTextContent('queries/deferred-saves.kql')
    window: 'PT15M'
    severity: 2
  }
  {
    name: 'crm-unavailable'
    title: 'Threadline: the CRM or Graph does not answer'
    text: 'Several calls of the last quarter of an hour ended as unavailable. GET /api/health names the part.'
    query: loadTextContent('queries/crm-unavailable.kql')
    window: 'PT15M'
    severity: 1
  }
  {
    name: 'save-failures'
    title: 'Threadline: saves fail'
    text: 'More than one in twenty saves of the last half hour failed through no fault of the caller.'
    query: loadTextContent('queries/save-failures.kql')
    window: 'PT30M'
    severity: 2
  }
  {
    name: 'save-duration'
    title: 'Threadline: saves are slow'
    text: 'One in twenty saves of the last half hour took longer than ten seconds.'
    query: loadTextContent('queries/save-duration.kql')
    window: 'PT30M'
    severity: 3
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-threadline'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'threadline'
    enabled: true
    emailReceivers: [
      {
        name: 'admin'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [
  for rule in rules: {
    name: 'alert-threadline-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: rule.text
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT15M'
      windowSize: rule.window
      autoMitigate: true
      // a new workspace doesn't know its tables before their first row
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: {
        actionGroups: empty(email) ? [] : [people.id]
      }
    }
  }
]
