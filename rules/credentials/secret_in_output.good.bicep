resource data 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'stshopdata'
  location: resourceGroup().location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
}

output storageId string = data.id
