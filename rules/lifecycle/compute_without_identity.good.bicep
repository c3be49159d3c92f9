param environmentId string

resource shop 'Microsoft.App/containerApps@2024-03-01' = {
  name: 'shop'
  location: resourceGroup().location
  identity: { type: 'SystemAssigned' }
  properties: {
    environmentId: environmentId
    configuration: {
      registries: [{ server: 'contoso.azurecr.io', identity: 'system' }]
    }
    template: {
      containers: [{ name: 'shop', image: 'contoso.azurecr.io/shop:1.4.0' }]
    }
  }
}
