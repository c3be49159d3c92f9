resource shop 'Microsoft.ContainerService/managedClusters@2025-01-01' = {
  name: 'aks-shop'
  location: resourceGroup().location
  identity: { type: 'SystemAssigned' }
  properties: {
    dnsPrefix: 'shop'
    agentPoolProfiles: [{ name: 'system', mode: 'System', count: 3, vmSize: 'Standard_D4s_v5' }]
  }
}
