targetScope = 'subscription'

resource deploy 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  scope: resourceGroup('rg-deploy')
  name: 'id-deploy'
}

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  scope: resourceGroup('rg-shop')
  name: 'id-app'
}

// Owner
resource owner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, deploy.id, '8e3af657-a8ff-443c-a75c-2fe8c4bcb635')
  properties: {
    principalId: deploy.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635')
  }
}

// Managed Identity Contributor: it can federate every identity of the subscription
resource federator 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, app.id, 'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59')
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59') // finding
  }
}
