targetScope = 'subscription'

resource deploy 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  scope: resourceGroup('rg-deploy')
  name: 'id-deploy'
}

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  scope: resourceGroup('rg-shop')
  name: 'id-app'
}

// Role Based Access Control Administrator, for AcrPull only
resource granter 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, deploy.id, 'f58310d9-a9f6-439a-9e8d-f62e7b41a168')
  properties: {
    principalId: deploy.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'f58310d9-a9f6-439a-9e8d-f62e7b41a168')
    conditionVersion: '2.0'
    condition: '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))'
  }
}

// Managed Identity Contributor: it can federate every identity of the subscription
resource federator 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, app.id, 'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59')
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59')
  }
}
