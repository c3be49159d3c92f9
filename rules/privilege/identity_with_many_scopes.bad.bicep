var teams = [
  'cart'
  'catalog'
  'checkout'
  'customers'
  'invoices'
  'orders'
  'payments'
  'returns'
  'search'
  'shipping'
  'users'
]

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = { // finding
  name: 'id-app'
  location: resourceGroup().location
}

resource data 'Microsoft.Storage/storageAccounts@2024-01-01' = [
  for team in teams: {
    name: 'stshop${team}'
    location: resourceGroup().location
    kind: 'StorageV2'
    sku: { name: 'Standard_ZRS' }
  }
]

// Storage Blob Data Reader
resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (team, index) in teams: {
    scope: data[index]
    name: guid(data[index].id, app.id)
    properties: {
      principalId: app.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
    }
  }
]
