@secure()
param registryPassword string

param environmentId string

resource shop 'Microsoft.App/containerApps@2024-03-01' = { // finding
  name: 'shop'
  location: resourceGroup().location
  properties: {
    environmentId: environmentId
    configuration: {
      secrets: [{ name: 'registry-password', value: registryPassword }]
      registries: [
        { server: 'contoso.azurecr.io', username: 'contoso', passwordSecretRef: 'registry-password' }
      ]
    }
    template: {
      containers: [{ name: 'shop', image: 'contoso.azurecr.io/shop:1.4.0' }]
    }
  }
}
