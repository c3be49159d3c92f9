targetScope = 'managementGroup'

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  scope: resourceGroup('5c6f3b8e-1d2a-4f0b-9a57-3e8d1c2b4a60', 'rg-shop')
  name: 'id-app'
}

// Virtual Machine Contributor
resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, app.id, '9980e02c-c2be-4d73-94e8-173b1dc7cf3c')
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', '9980e02c-c2be-4d73-94e8-173b1dc7cf3c') // finding
  }
}
