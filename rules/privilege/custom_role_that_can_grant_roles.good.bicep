targetScope = 'subscription'

resource operator 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'Shop Operator')
  properties: {
    roleName: 'Shop Operator'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Web/sites/*'
          'Microsoft.Authorization/roleAssignments/read'
        ]
      }
    ]
    assignableScopes: [subscription().id]
  }
}
