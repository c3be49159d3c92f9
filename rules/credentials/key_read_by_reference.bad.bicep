param planId string

resource data 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'stshopdata'
  location: resourceGroup().location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: 'app-shop'
  location: resourceGroup().location
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: planId
    siteConfig: {
      appSettings: [
        { name: 'STORAGE_KEY', value: data.listKeys().keys[0].value } // finding
      ]
    }
  }
}
