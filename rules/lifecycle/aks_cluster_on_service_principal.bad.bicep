@secure()
param clientSecret string

resource shop 'Microsoft.ContainerService/managedClusters@2025-01-01' = {
  name: 'aks-shop'
  location: resourceGroup().location
  properties: {
    dnsPrefix: 'shop'
    agentPoolProfiles: [{ name: 'system', mode: 'System', count: 3, vmSize: 'Standard_D4s_v5' }]
    servicePrincipalProfile: {
      clientId: '8a6c2f6e-4d0b-4b58-9c1d-1f2f3a4b5c6d' // finding
      secret: clientSecret
    }
  }
}
