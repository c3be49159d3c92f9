resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-app'
  location: resourceGroup().location
}

resource data 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'stshopdata'
  location: resourceGroup().location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
}

// Storage Blob Data Reader
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: data
  name: guid(data.id, app.id)
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
  }
}
