resource data 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'stshopdata'
  location: resourceGroup().location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: 'kv-shop'
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'storage-key'
  properties: {
    value: data.listKeys().keys[0].value // finding
  }
}
