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

// Reader
resource everywhere 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, app.id, 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  }
}

// Reader
resource onlyHere 'Microsoft.Authorization/roleAssignments@2022-04-01' = { // finding
  scope: data
  name: guid(data.id, app.id, 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  }
}
