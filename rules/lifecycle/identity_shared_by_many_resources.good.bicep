param planId string

var apps = [
  'cart'
  'catalog'
  'orders'
  'payments'
  'search'
  'users'
]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [
  for name in apps: {
    name: 'id-${name}'
    location: resourceGroup().location
  }
]

resource app 'Microsoft.Web/sites@2024-04-01' = [
  for (name, index) in apps: {
    name: 'app-${name}'
    location: resourceGroup().location
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: { '${identity[index].id}': {} }
    }
    properties: { serverFarmId: planId }
  }
]
