targetScope = 'subscription'

resource operator 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, 'Shop Operator')
  properties: {
    roleName: 'Shop Operator'
    type: 'CustomRole'
    permissions: [
      {
        actions: [ // finding
          '*/read'
          '*/restart/action'
        ]
      }
    ]
    assignableScopes: [subscription().id]
  }
}
