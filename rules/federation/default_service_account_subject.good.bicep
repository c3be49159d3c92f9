resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-app'
  location: resourceGroup().location
}

resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: app
  name: 'app'
  properties: {
    issuer: 'https://westeurope.oic.prod-aks.azure.com/72f3f5a8-6d0e-4b1f-9a64-0f5b7f3c2d11/0d3c1d2e-5a6b-4c7d-8e9f-a0b1c2d3e4f5/'
    subject: 'system:serviceaccount:shop:orders'
    audiences: ['api://AzureADTokenExchange']
  }
}
